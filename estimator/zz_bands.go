package estimator

var memoryRuns, speedRuns []measuredRuns
