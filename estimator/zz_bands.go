// Code generated from the rows of validation by "make golden"; DO NOT EDIT.

package estimator

import "github.com/vramcalc/vramcalc/estimator/spread"

// memoryRuns are measured figures over their estimates.
var memoryRuns = []measuredRuns{
	{ // 90 % band: 0.854 to 1.055
		class: "full", basis: "90 % band from 16 measured memory figures of runs that train the weights (fms, swift1)",
		ratios: spread.Spread{
			0.877, 0.914, 0.940, 0.972, 0.975, 0.984, 0.992, 1.000, 1.000, 1.000, 1.002, 1.002, 1.003, 1.013, 1.016, 1.032,
		},
	},
	{ // 90 % band: 0.840 to 1.136
		class: "adapter", basis: "90 % band from 28 measured memory figures of runs with adapters (flagperf, fms, swift1)",
		ratios: spread.Spread{
			0.781, 0.911, 0.939, 0.967, 0.974, 0.981, 0.982, 0.990, 0.991, 1.001, 1.001, 1.001, 1.002, 1.002, 1.009, 1.013,
			1.013, 1.015, 1.016, 1.027, 1.040, 1.044, 1.075, 1.104, 1.112, 1.129, 1.133, 1.139,
		},
	},
	{ // 90 % band: 0.912 to 1.148
		class: "", basis: "90 % band from 64 measured memory figures of runs of all methods (flagperf, fms, swift1)",
		ratios: spread.Spread{
			0.781, 0.877, 0.911, 0.914, 0.930, 0.939, 0.940, 0.945, 0.963, 0.967, 0.972, 0.974, 0.974, 0.975, 0.981, 0.982,
			0.984, 0.990, 0.991, 0.992, 0.993, 0.993, 0.993, 0.993, 0.998, 0.998, 1.000, 1.000, 1.000, 1.000, 1.000, 1.000,
			1.000, 1.000, 1.001, 1.001, 1.001, 1.002, 1.002, 1.002, 1.002, 1.003, 1.009, 1.013, 1.013, 1.013, 1.015, 1.016,
			1.016, 1.027, 1.032, 1.040, 1.044, 1.075, 1.104, 1.112, 1.129, 1.133, 1.137, 1.139, 1.143, 1.150, 1.220, 1.231,
		},
	},
}

// speedRuns are measured figures over their estimates.
var speedRuns = []measuredRuns{
	{ // 90 % band: 0.813 to 1.078
		class: "full", basis: "90 % band from 15 measured speeds of runs that train the weights (fms, litgpt, llmq)",
		ratios: spread.Spread{
			0.851, 1.027, 1.028, 1.029, 1.032, 1.032, 1.032, 1.032, 1.033, 1.033, 1.034, 1.035, 1.036, 1.038, 1.040,
		},
	},
	{ // 90 % band: 0.774 to 1.168
		class: "adapter", basis: "90 % band from 28 measured speeds of runs with adapters (flagperf, fms, qwen)",
		ratios: spread.Spread{
			0.696, 0.869, 0.922, 0.986, 0.992, 1.027, 1.041, 1.045, 1.046, 1.047, 1.049, 1.049, 1.052, 1.053, 1.054, 1.054,
			1.054, 1.056, 1.058, 1.059, 1.064, 1.070, 1.094, 1.106, 1.135, 1.143, 1.168, 1.168,
		},
	},
	{ // 90 % band: 0.918 to 1.063
		class: "quantized", basis: "90 % band from 21 measured speeds of runs with a quantized base (fms, unsloth)",
		ratios: spread.Spread{
			0.906, 1.025, 1.028, 1.030, 1.036, 1.037, 1.038, 1.039, 1.041, 1.042, 1.043, 1.043, 1.043, 1.044, 1.045, 1.047,
			1.048, 1.049, 1.054, 1.063, 1.063,
		},
	},
	{ // 90 % band: 0.878 to 1.141
		class: "", basis: "90 % band from 64 measured speeds of runs of all methods (flagperf, fms, litgpt, llmq, qwen, unsloth)",
		ratios: spread.Spread{
			0.696, 0.851, 0.869, 0.906, 0.922, 0.986, 0.992, 1.025, 1.027, 1.027, 1.028, 1.028, 1.029, 1.030, 1.032, 1.032,
			1.032, 1.032, 1.033, 1.033, 1.034, 1.035, 1.036, 1.036, 1.037, 1.038, 1.038, 1.039, 1.040, 1.041, 1.041, 1.042,
			1.043, 1.043, 1.043, 1.044, 1.045, 1.045, 1.046, 1.047, 1.047, 1.048, 1.049, 1.049, 1.049, 1.052, 1.053, 1.054,
			1.054, 1.054, 1.054, 1.056, 1.058, 1.059, 1.063, 1.063, 1.064, 1.070, 1.094, 1.106, 1.135, 1.143, 1.168, 1.168,
		},
	},
}
