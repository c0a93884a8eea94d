# One fit by lme4 of columns in a folder: Rscript lme4.R FOLDER ROWS FORMULA FACTOR... prints JSON.
suppressMessages(library(lme4))
arguments <- commandArgs(TRUE)
folder <- arguments[1]; n <- as.integer(arguments[2]); formula <- as.formula(arguments[3]); factors <- arguments[-(1:3)]
status <- function(name) {
  if (!file.exists("/proc/self/status")) return(0)
  line <- grep(name, readLines("/proc/self/status"), value = TRUE)
  1024 * as.numeric(gsub("[^0-9]", "", line))
}
data <- data.frame(y = readBin(file.path(folder, "y.raw"), "double", n))
for (f in factors) data[[f]] <- factor(readBin(file.path(folder, paste0(f, ".raw")), "integer", n))
if (file.exists(file.path(folder, "x.raw"))) data$x <- readBin(file.path(folder, "x.raw"), "double", n)
invisible(gc()); if (file.exists("/proc/self/clear_refs")) cat("5", file = "/proc/self/clear_refs")
before <- status("VmRSS"); start <- proc.time()[["elapsed"]]
fit <- lmer(formula, data, control = lmerControl(calc.derivs = FALSE))
components <- proc.time()[["elapsed"]] - start
invisible(list(vcov(fit), ranef(fit)))
full <- proc.time()[["elapsed"]] - start
v <- as.data.frame(VarCorr(fit)); v <- v[is.na(v$var2), ]
keys <- ifelse(v$grp == "Residual", "var(residual)", paste0("var(", ifelse(v$var1 == "(Intercept)", "1", v$var1), "|", v$grp, ")"))
keys <- c("Intercept", keys); values <- c(fixef(fit)[[1]], v$vcov)
cat(sprintf('{"components": %.6f, "full": %.6f, "peak": %.0f, "version": "%s", "estimates": {%s}}\n', components, full,
  status("VmHWM") - before, packageVersion("lme4"), paste(sprintf('"%s": %.8g', keys, values), collapse = ", ")))
