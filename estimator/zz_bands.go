// Code generated from the rows of validation by "make golden"; DO NOT EDIT.

package estimator

import "github.com/vramcalc/vramcalc/estimator/spread"

// memoryRuns are measured figures over their estimates.
var memoryRuns = []measuredRuns{
	{ // 90 % band: 0.773 to 1.082
		class: "full", basis: "90 % band from 16 measured memory figures of runs that train the weights (fms, peft, swift1)",
		ratios: spread.Spread{
			0.809, 0.823, 0.843, 0.878, 0.942, 0.948, 0.981, 0.999, 1.000, 1.002, 1.002, 1.013, 1.030, 1.037, 1.046, 1.046,
		},
	},
	{ // 90 % band: 0.827 to 1.278
		class: "adapter", basis: "90 % band from 31 measured memory figures of runs with adapters (flagperf, fms, peft, swift1)",
		ratios: spread.Spread{
			0.781, 0.857, 0.875, 0.881, 0.911, 0.938, 0.950, 0.963, 0.967, 0.981, 0.982, 0.990, 0.991, 0.992, 0.996, 0.997,
			0.999, 1.009, 1.013, 1.013, 1.015, 1.016, 1.024, 1.027, 1.029, 1.040, 1.042, 1.044, 1.102, 1.189, 1.411,
		},
	},
	{ // 90 % band: 0.731 to 1.413
		class: "quantized", basis: "90 % band from 19 measured memory figures of runs with a quantized base (fms, unsloth)",
		ratios: spread.Spread{
			0.731, 0.829, 0.842, 0.979, 0.980, 0.982, 0.998, 0.998, 1.006, 1.006, 1.007, 1.033, 1.044, 1.066, 1.068, 1.192,
			1.207, 1.395, 1.413,
		},
	},
	{ // 90 % band: 0.814 to 1.329
		class: "", basis: "90 % band from 66 measured memory figures of runs of all methods (flagperf, fms, peft, swift1, unsloth)",
		ratios: spread.Spread{
			0.731, 0.781, 0.809, 0.823, 0.829, 0.842, 0.843, 0.857, 0.875, 0.878, 0.881, 0.911, 0.938, 0.942, 0.948, 0.950,
			0.963, 0.967, 0.979, 0.980, 0.981, 0.981, 0.982, 0.982, 0.990, 0.991, 0.992, 0.996, 0.997, 0.998, 0.998, 0.999,
			0.999, 1.000, 1.002, 1.002, 1.006, 1.006, 1.007, 1.009, 1.013, 1.013, 1.013, 1.015, 1.016, 1.024, 1.027, 1.029,
			1.030, 1.033, 1.037, 1.040, 1.042, 1.044, 1.044, 1.046, 1.046, 1.066, 1.068, 1.102, 1.189, 1.192, 1.207, 1.395,
			1.411, 1.413,
		},
	},
}

// speedRuns are measured figures over their estimates.
var speedRuns = []measuredRuns{
	{ // 90 % band: 0.945 to 1.206
		class: "full", basis: "90 % band from 15 measured speeds of runs that train the weights (fms, litgpt, llmq)",
		ratios: spread.Spread{
			0.982, 0.984, 0.984, 0.989, 1.062, 1.093, 1.097, 1.099, 1.101, 1.102, 1.105, 1.106, 1.110, 1.160, 1.169,
		},
	},
	{ // 90 % band: 0.774 to 1.184
		class: "adapter", basis: "90 % band from 28 measured speeds of runs with adapters (flagperf, fms, qwen)",
		ratios: spread.Spread{
			0.696, 0.869, 0.922, 0.986, 0.987, 0.991, 0.992, 1.003, 1.013, 1.027, 1.058, 1.064, 1.094, 1.106, 1.118, 1.119,
			1.123, 1.123, 1.123, 1.124, 1.125, 1.125, 1.135, 1.143, 1.168, 1.168, 1.178, 1.189,
		},
	},
	{ // 90 % band: 0.740 to 1.188
		class: "quantized", basis: "90 % band from 21 measured speeds of runs with a quantized base (fms, unsloth)",
		ratios: spread.Spread{
			0.739, 0.752, 0.787, 0.801, 0.906, 0.975, 0.975, 0.982, 0.987, 1.101, 1.102, 1.114, 1.117, 1.119, 1.120, 1.121,
			1.124, 1.125, 1.129, 1.170, 1.190,
		},
	},
	{ // 90 % band: 0.761 to 1.176
		class: "", basis: "90 % band from 64 measured speeds of runs of all methods (flagperf, fms, litgpt, llmq, qwen, unsloth)",
		ratios: spread.Spread{
			0.696, 0.739, 0.752, 0.787, 0.801, 0.869, 0.906, 0.922, 0.975, 0.975, 0.982, 0.982, 0.984, 0.984, 0.986, 0.987,
			0.987, 0.989, 0.991, 0.992, 1.003, 1.013, 1.027, 1.058, 1.062, 1.064, 1.093, 1.094, 1.097, 1.099, 1.101, 1.101,
			1.102, 1.102, 1.105, 1.106, 1.106, 1.110, 1.114, 1.117, 1.118, 1.119, 1.119, 1.120, 1.121, 1.123, 1.123, 1.123,
			1.124, 1.124, 1.125, 1.125, 1.125, 1.129, 1.135, 1.143, 1.160, 1.168, 1.168, 1.169, 1.170, 1.178, 1.189, 1.190,
		},
	},
}
