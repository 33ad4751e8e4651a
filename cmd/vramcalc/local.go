package main

import (
	"context"
	"errors"

	"github.com/vramcalc/vramcalc/estimator"
)

// localGPUs finds the GPUs of this machine, with their real capacity and what
// others already use of it. Without a GPU or a driver the list is empty; an
// error means that nobody looked or that looking failed.
type localGPUs interface {
	list(context.Context) ([]estimator.Device, error)
}

// errNoDetection says that this build cannot look.
var errNoDetection = errors.New("this version cannot look for GPUs")

// noDetection stands in until detection is built.
type noDetection struct{}

func (noDetection) list(context.Context) ([]estimator.Device, error) { return nil, errNoDetection }
