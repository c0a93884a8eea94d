"""momentalg derives, solves, generates and checks the moment equations of mixed models."""
