// Code generated from the rows of validation by "make golden"; DO NOT EDIT.

package estimator

import "github.com/vramcalc/vramcalc/estimator/spread"

// memoryRuns are measured figures over their estimates.
var memoryRuns = []measuredRuns{
	{ // 90 % band: 0.862 to 1.053
		class: "full", basis: "90 % band from 17 measured memory figures of runs that train the weights (fms, peft, swift1)",
		ratios: spread.Spread{
			0.878, 0.892, 0.906, 0.929, 0.942, 0.948, 0.977, 0.981, 0.992, 0.992, 0.999, 0.999, 1.000, 1.002, 1.002, 1.013,
			1.037,
		},
	},
	{ // 90 % band: 0.818 to 1.278
		class: "adapter", basis: "90 % band from 31 measured memory figures of runs with adapters (flagperf, fms, peft, swift1)",
		ratios: spread.Spread{
			0.781, 0.842, 0.857, 0.868, 0.875, 0.881, 0.900, 0.906, 0.911, 0.939, 0.957, 0.967, 0.974, 0.981, 0.982, 0.990,
			0.991, 0.996, 0.997, 0.999, 1.009, 1.013, 1.013, 1.015, 1.016, 1.027, 1.040, 1.044, 1.112, 1.189, 1.411,
		},
	},
	{ // 90 % band: 0.842 to 1.085
		class: "", basis: "90 % band from 67 measured memory figures of runs of all methods (flagperf, fms, peft, swift1)",
		ratios: spread.Spread{
			0.781, 0.829, 0.842, 0.842, 0.857, 0.864, 0.868, 0.873, 0.875, 0.878, 0.881, 0.892, 0.900, 0.906, 0.906, 0.910,
			0.911, 0.920, 0.929, 0.930, 0.930, 0.939, 0.942, 0.948, 0.951, 0.957, 0.959, 0.960, 0.963, 0.965, 0.967, 0.974,
			0.977, 0.981, 0.981, 0.982, 0.982, 0.990, 0.991, 0.992, 0.992, 0.996, 0.997, 0.998, 0.998, 0.999, 0.999, 0.999,
			1.000, 1.002, 1.002, 1.006, 1.006, 1.007, 1.009, 1.013, 1.013, 1.013, 1.015, 1.016, 1.027, 1.037, 1.040, 1.044,
			1.112, 1.189, 1.411,
		},
	},
}

// speedRuns are measured figures over their estimates.
var speedRuns = []measuredRuns{
	{ // 90 % band: 0.945 to 1.211
		class: "full", basis: "90 % band from 15 measured speeds of runs that train the weights (fms, litgpt, llmq)",
		ratios: spread.Spread{
			0.983, 0.986, 0.988, 0.993, 1.062, 1.093, 1.098, 1.099, 1.102, 1.102, 1.106, 1.107, 1.112, 1.164, 1.173,
		},
	},
	{ // 90 % band: 0.774 to 1.188
		class: "adapter", basis: "90 % band from 28 measured speeds of runs with adapters (flagperf, fms, qwen)",
		ratios: spread.Spread{
			0.696, 0.869, 0.922, 0.986, 0.989, 0.992, 0.993, 1.007, 1.017, 1.027, 1.058, 1.064, 1.094, 1.106, 1.118, 1.120,
			1.123, 1.123, 1.125, 1.126, 1.126, 1.127, 1.135, 1.143, 1.168, 1.168, 1.182, 1.193,
		},
	},
	{ // 90 % band: 0.913 to 1.191
		class: "quantized", basis: "90 % band from 21 measured speeds of runs with a quantized base (fms, unsloth)",
		ratios: spread.Spread{
			0.906, 0.975, 0.976, 0.978, 0.983, 0.984, 0.989, 0.994, 1.003, 1.102, 1.103, 1.114, 1.118, 1.120, 1.121, 1.123,
			1.124, 1.127, 1.131, 1.173, 1.193,
		},
	},
	{ // 90 % band: 0.910 to 1.180
		class: "", basis: "90 % band from 64 measured speeds of runs of all methods (flagperf, fms, litgpt, llmq, qwen, unsloth)",
		ratios: spread.Spread{
			0.696, 0.869, 0.906, 0.922, 0.975, 0.976, 0.978, 0.983, 0.983, 0.984, 0.986, 0.986, 0.988, 0.989, 0.989, 0.992,
			0.993, 0.993, 0.994, 1.003, 1.007, 1.017, 1.027, 1.058, 1.062, 1.064, 1.093, 1.094, 1.098, 1.099, 1.102, 1.102,
			1.102, 1.103, 1.106, 1.106, 1.107, 1.112, 1.114, 1.118, 1.118, 1.120, 1.120, 1.121, 1.123, 1.123, 1.123, 1.124,
			1.125, 1.126, 1.126, 1.127, 1.127, 1.131, 1.135, 1.143, 1.164, 1.168, 1.168, 1.173, 1.173, 1.182, 1.193, 1.193,
		},
	},
}
