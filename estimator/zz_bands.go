// Code generated from the rows of validation by "make golden"; DO NOT EDIT.

package estimator

import "github.com/vramcalc/vramcalc/estimator/spread"

// memoryRuns are measured figures over their estimates.
var memoryRuns = []measuredRuns{
	{ // 90 % band: 0.869 to 1.045
		class: "full", basis: "90 % band from 18 measured memory figures of runs that train the weights (fms, peft, swift1)",
		ratios: spread.Spread{
			0.877, 0.878, 0.892, 0.929, 0.972, 0.981, 0.992, 0.999, 1.000, 1.000, 1.002, 1.002, 1.002, 1.006, 1.013, 1.016,
			1.032, 1.037,
		},
	},
	{ // 90 % band: 0.837 to 1.278
		class: "adapter", basis: "90 % band from 31 measured memory figures of runs with adapters (flagperf, fms, peft, swift1)",
		ratios: spread.Spread{
			0.781, 0.875, 0.911, 0.939, 0.967, 0.974, 0.981, 0.981, 0.982, 0.986, 0.990, 0.991, 0.991, 1.001, 1.002, 1.009,
			1.013, 1.013, 1.015, 1.016, 1.027, 1.040, 1.044, 1.054, 1.074, 1.091, 1.112, 1.133, 1.139, 1.189, 1.411,
		},
	},
	{ // 90 % band: 0.930 to 1.230
		class: "quantized", basis: "90 % band from 20 measured memory figures of runs with a quantized base (fms)",
		ratios: spread.Spread{
			0.930, 0.930, 0.951, 0.959, 0.960, 0.963, 0.980, 0.998, 0.998, 1.000, 1.000, 1.021, 1.024, 1.026, 1.026, 1.158,
			1.161, 1.173, 1.220, 1.231,
		},
	},
	{ // 90 % band: 0.877 to 1.204
		class: "", basis: "90 % band from 69 measured memory figures of runs of all methods (flagperf, fms, peft, swift1)",
		ratios: spread.Spread{
			0.781, 0.875, 0.877, 0.878, 0.892, 0.911, 0.929, 0.930, 0.930, 0.939, 0.951, 0.959, 0.960, 0.963, 0.967, 0.972,
			0.974, 0.980, 0.981, 0.981, 0.981, 0.982, 0.986, 0.990, 0.991, 0.991, 0.992, 0.998, 0.998, 0.999, 1.000, 1.000,
			1.000, 1.000, 1.001, 1.002, 1.002, 1.002, 1.002, 1.006, 1.009, 1.013, 1.013, 1.013, 1.015, 1.016, 1.016, 1.021,
			1.024, 1.026, 1.026, 1.027, 1.032, 1.037, 1.040, 1.044, 1.054, 1.074, 1.091, 1.112, 1.133, 1.139, 1.158, 1.161,
			1.173, 1.189, 1.220, 1.231, 1.411,
		},
	},
}

// speedRuns are measured figures over their estimates.
var speedRuns = []measuredRuns{
	{ // 90 % band: 0.809 to 1.104
		class: "full", basis: "90 % band from 15 measured speeds of runs that train the weights (fms, litgpt, llmq)",
		ratios: spread.Spread{
			0.851, 0.969, 0.971, 0.971, 0.972, 0.973, 0.978, 0.980, 0.983, 0.986, 0.986, 0.988, 0.992, 0.993, 1.062,
		},
	},
	{ // 90 % band: 0.774 to 1.168
		class: "adapter", basis: "90 % band from 28 measured speeds of runs with adapters (flagperf, fms, qwen)",
		ratios: spread.Spread{
			0.696, 0.869, 0.922, 0.981, 0.982, 0.986, 0.986, 0.986, 0.986, 0.987, 0.989, 0.989, 0.992, 0.992, 0.993, 1.007,
			1.013, 1.017, 1.024, 1.027, 1.058, 1.064, 1.094, 1.106, 1.135, 1.143, 1.168, 1.168,
		},
	},
	{ // 90 % band: 0.911 to 1.003
		class: "quantized", basis: "90 % band from 21 measured speeds of runs with a quantized base (fms, unsloth)",
		ratios: spread.Spread{
			0.906, 0.957, 0.959, 0.969, 0.970, 0.973, 0.974, 0.974, 0.975, 0.976, 0.977, 0.978, 0.978, 0.981, 0.983, 0.983,
			0.984, 0.989, 0.994, 1.000, 1.003,
		},
	},
	{ // 90 % band: 0.878 to 1.141
		class: "", basis: "90 % band from 64 measured speeds of runs of all methods (flagperf, fms, litgpt, llmq, qwen, unsloth)",
		ratios: spread.Spread{
			0.696, 0.851, 0.869, 0.906, 0.922, 0.957, 0.959, 0.969, 0.969, 0.970, 0.971, 0.971, 0.972, 0.973, 0.973, 0.974,
			0.974, 0.975, 0.976, 0.977, 0.978, 0.978, 0.978, 0.980, 0.981, 0.981, 0.982, 0.983, 0.983, 0.983, 0.984, 0.986,
			0.986, 0.986, 0.986, 0.986, 0.986, 0.987, 0.988, 0.989, 0.989, 0.989, 0.992, 0.992, 0.992, 0.993, 0.993, 0.994,
			1.000, 1.003, 1.007, 1.013, 1.017, 1.024, 1.027, 1.058, 1.062, 1.064, 1.094, 1.106, 1.135, 1.143, 1.168, 1.168,
		},
	},
}
