"""The equations of crossed factors with one of them eliminated level by level, and the others dense: exact traces."""

import numpy as np


class _Eliminated:
    """V^-1 of all factors at once: the one with most coefficients absorbed level by level, the rest dense.

    With f absorbed, V_f = s_e^2 I + Z_f Theta_f Z_f', and Z_o, G_o of the others,
    V^-1 = V_f^-1 - V_f^-1 Z_o (G_o^-1 + Z_o'V_f^-1 Z_o)^-1 Z_o'V_f^-1, in a form that needs no inverse of G_o; and
    P = V_f^-1 - V_f^-1 [Z_o, X] outer [Z_o, X]'V_f^-1.
    """

    def __init__(self, crossed, covariances, residual):
        self.crossed = crossed
        self.first, self.rest, self.start, self.count = _split(crossed)
        own, theta = crossed.own[self.first], covariances[self.first]
        self.weights = np.linalg.inv(residual * np.eye(own.shape[1]) + theta @ own)  # V_f^-1 Z_f = Z_f weights
        self.table = _EliminatedTable(crossed)
        count, p = self.count, len(crossed.mean)
        whole = np.zeros((count + p + 1, count + p + 1))  # [Z_o, X, y]'[Z_o, X, y], then with V_f^-1 between
        whole[count:, count:] = crossed.total
        for k in self.rest:
            place = self.place(k)
            whole[place.reshape(-1, 1), count + np.arange(p + 1)] = crossed.common[k].reshape(-1, p + 1)
            for g in self.rest:
                first, second, cross = crossed.linked(k, g)
                whole[place[first][:, :, None], self.place(g)[second][:, None, :]] = cross
        whole[count:, :count] = whole[:count, count:].T
        whole = (whole - self.table.gram(self.weights @ theta)) / residual
        roots = {k: _root(covariances[k]) for k in self.rest}
        half = self._blockwise(whole[:count, :count], roots)
        inner = self._blockwise(np.ascontiguousarray(half.T), roots)
        inner[np.diag_indices(len(inner))] += 1
        backward = {k: root.T for k, root in roots.items()}
        middle = self._blockwise(np.linalg.inv(inner), backward)
        middle = self._blockwise(np.ascontiguousarray(middle.T), backward)
        explained = middle @ whole[:count, count:]
        covariance = _pseudo_inverse((whole[count:, count:] - whole[count:, :count] @ explained)[:-1, :-1])  # of beta
        taken = np.vstack([-explained[:, :-1], np.eye(p)])
        self.outer = taken @ covariance @ taken.T
        self.outer[:count, :count] += middle
        self.explained = self.outer @ whole[:-1]
        self.projected = whole[:count] - whole[:count, :-1] @ self.explained  # Z_o'P [Z_o, X, y]
        self.squares = float(whole[-1, -1] - whole[-1, :-1] @ self.explained[:, -1])  # y'P y

    def place(self, k):
        """Where the coefficients of factor k are, (levels, columns)."""
        shape = self.crossed.own[k].shape[:2]
        return self.start[k] + np.arange(shape[0] * shape[1]).reshape(shape)

    def _blockwise(self, matrix, blocks):
        """`matrix` times the block-diagonal matrix of `blocks`, one for all levels of a factor."""
        parts, begin = [], 0
        for k in self.rest:
            levels, width = self.crossed.levels[k], len(blocks[k])
            part = matrix[:, begin : begin + levels * width].reshape(len(matrix), levels, width) @ blocks[k]
            parts.append(part.reshape(len(matrix), levels * part.shape[2]))
            begin += levels * width
        return np.hstack(parts) if parts else matrix

    def levels(self):
        """Per factor Z'P y and Z_l'P Z_l of its levels."""
        scores, information = [None] * len(self.crossed.codes), [None] * len(self.crossed.codes)
        for k in self.rest:
            place = self.place(k)
            scores[k] = self.projected[place, -1]
            information[k] = self.projected[place[:, :, None], place[:, None, :]]
        transposed = np.swapaxes(self.weights, 1, 2)
        linear, within = self.table.levels(self.explained[:, -1], self.outer)
        direct = self.crossed.common[self.first][:, :, -1]
        scores[self.first] = (transposed @ (direct - linear)[:, :, None])[:, :, 0]
        information[self.first] = transposed @ (self.crossed.own[self.first] - within @ self.weights)
        return scores, information

    def traces(self, information):
        """t[c, d, a, b] = tr(P Z_c Z_d'P Z_a Z_b') by pair of factors (k, g), c and d of k, a and b of g."""
        crossed, first = self.crossed, self.first
        pairs = {}
        for k in self.rest:
            part = self.projected[self.place(k)]  # (levels, columns, ...)
            for g in self.rest:
                cross = part[:, :, self.place(g)].transpose(1, 3, 0, 2)
                flat = cross.reshape(cross.shape[0] * cross.shape[1], -1)
                shape = (*cross.shape[:2], *cross.shape[:2])
                pairs[k, g] = (flat @ flat.T).reshape(shape).transpose(0, 2, 1, 3)
        diagonal = np.swapaxes(self.weights, 1, 2) @ crossed.own[first]  # Z_f'V_f^-1 Z_f
        within = diagonal - information[first]
        mixed = np.einsum("lca,ldb->cdab", diagonal, within)
        found = np.einsum("lca,ldb->cdab", diagonal, diagonal) - mixed - mixed.transpose(1, 0, 3, 2)
        q = diagonal.shape[1]
        left = -self.explained[:, : self.count]  # Z_f'P Z_o = Z_f'V_f^-1 [Z_o, X] left
        left[np.diag_indices(self.count)] += 1
        for k in self.rest:
            pairs[first, k] = np.zeros((q, q, *[len(crossed.columns[k])] * 2))
        spread = {}
        for c in range(q):
            for d in range(c + 1):
                gram = self.table.gram(self.weights[:, :, c, None] * self.weights[:, None, :, d])[:-1, :-1]
                spread[c, d] = self.outer @ gram
                spread[d, c] = spread[c, d] if c == d else self.outer @ gram.T
                once = gram @ left
                for k in self.rest:
                    place = self.place(k)
                    one, two = once[:, place], left[:, place]
                    pairs[first, k][c, d] = np.einsum("jla,jlb->ab", one, two)
                    pairs[first, k][d, c] = pairs[first, k][c, d].T
        for c in range(q):
            for d in range(q):
                for a in range(q):
                    for b in range(q):
                        found[c, d, a, b] += np.sum(spread[d, c] * spread[a, b].T)
        pairs[first, first] = found
        for k in self.rest:
            pairs[k, first] = pairs[first, k].transpose(2, 3, 0, 1)
        return pairs


class _EliminatedTable:
    """T_l = Z_l'[Z_o, X, y] of the levels l of the absorbed factor: what is not 0, level by level."""

    def __init__(self, crossed):
        first, rest, start, count = _split(crossed)
        common = crossed.common[first]
        levels, self.width, more = common.shape
        self.size = count + more
        owner, column, value = [], [], []
        for k in rest:
            one, two, cross = crossed.linked(first, k)
            for c in range(cross.shape[2]):
                owner.append(one)
                column.append(start[k] + two * cross.shape[2] + c)
                value.append(cross[:, :, c])
        for c in range(more):
            owner.append(np.arange(levels))
            column.append(np.full(levels, count + c))
            value.append(common[:, :, c])
        order = np.argsort(np.concatenate(owner), kind="stable")
        self.column, self.value = np.concatenate(column)[order], np.concatenate(value)[order]
        self.counts = np.bincount(np.concatenate(owner), minlength=levels)
        self.ends = np.cumsum(self.counts)
        self.sparse = SPARSE * np.sum(self.counts.astype(float) ** 2) < levels * self.width * float(self.size) ** 2

    def _chunks(self, work):
        """Levels, so many at a time that what is made of them stays small."""
        stops = np.searchsorted(np.cumsum(work), np.arange(0, work.sum() + 2**22, 2**22), side="right")
        begins = np.unique([0, *stops[stops < len(work)]])
        return zip(begins, [*begins[1:], len(work)], strict=True)

    def _dense(self, begin, end):
        """T of some levels, (levels, columns, ...)."""
        table = np.zeros((end - begin, self.size, self.width))
        some = slice(self.ends[begin] - self.counts[begin], self.ends[end - 1])
        table[np.repeat(np.arange(end - begin), self.counts[begin:end]), self.column[some]] = self.value[some]
        return np.swapaxes(table, 1, 2)

    def _pairs(self, begin, end):
        """The pairs of what is not 0 in some levels, each once: the level, and the positions of both."""
        position = np.arange(self.ends[begin] - self.counts[begin], self.ends[end - 1])
        level = np.repeat(np.arange(begin, end), self.counts[begin:end])
        times = self.ends[level] - position
        one = np.repeat(position, times)
        two = one + np.arange(len(one)) - np.repeat(np.cumsum(times) - times, times)
        return np.repeat(level, times), one, two

    def gram(self, matrices):
        """The sum over l of T_l'M_l T_l."""
        found = np.zeros((self.size, self.size))
        if self.sparse:
            for begin, end in self._chunks(self.counts**2):
                level, one, two = self._pairs(begin, end)
                for _ in range(2):
                    if self.width == 1:
                        parts = self.value[one, 0] * matrices[level, 0, 0] * self.value[two, 0]
                    else:
                        parts = np.einsum("nc,ncd,nd->n", self.value[one], matrices[level], self.value[two])
                    key = self.column[one] * self.size + self.column[two]
                    found += np.bincount(key, weights=parts, minlength=self.size**2).reshape(found.shape)
                    apart = one != two
                    level, one, two = level[apart], two[apart], one[apart]
            return found
        for begin, end in self._chunks(np.full(len(self.counts), self.size * self.width)):
            table = self._dense(begin, end)
            weighted = matrices[begin:end] @ table
            found += table.reshape(-1, self.size).T @ weighted.reshape(-1, self.size)
        return found

    def levels(self, vector, matrix):
        """T_l `vector` and T_l `matrix` T_l', of T without its last column."""
        levels = len(self.counts)
        linear, within = np.zeros((levels, self.width)), np.zeros((levels, self.width, self.width))
        padded = np.zeros((self.size, self.size))
        padded[:-1, :-1] = matrix
        if self.sparse:
            owner = np.repeat(np.arange(levels), self.counts)
            linear = _level_sums(self.value * np.append(vector, 0.0)[self.column, None], owner, levels)
            for begin, end in self._chunks(self.counts**2):
                level, one, two = self._pairs(begin, end)
                parts = padded[self.column[one], self.column[two]]
                for c in range(self.width):
                    for d in range(self.width):
                        weights = parts * self.value[one, c] * self.value[two, d]
                        sums = np.bincount(level - begin, weights=weights, minlength=end - begin)
                        within[begin:end, c, d] += sums
                        within[begin:end, d, c] += sums
                own = np.arange(self.ends[begin] - self.counts[begin], self.ends[end - 1])
                parts = padded[self.column[own], self.column[own], None, None] * (
                    self.value[own, :, None] * self.value[own, None, :]
                )
                within[begin:end] -= _level_sums(parts, owner[own] - begin, end - begin)
            return linear, within
        for begin, end in self._chunks(np.full(levels, self.size * self.width)):
            table = self._dense(begin, end)
            linear[begin:end] = table[:, :, :-1] @ vector
            within[begin:end] = (table @ padded) @ np.swapaxes(table, 1, 2)
        return linear, within


def _split(crossed):
    """The factor with most coefficients, the others, where these begin among all of them, and how many they are."""
    widths = [levels * len(columns) for levels, columns in zip(crossed.levels, crossed.columns, strict=True)]
    first = int(np.argmax(widths))
    rest = [k for k in range(len(widths)) if k != first]
    begins = np.cumsum([0] + [widths[k] for k in rest])
    return first, rest, dict(zip(rest, begins.tolist(), strict=False)), int(begins[-1])
