package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/vramcalc/vramcalc/cmd/vramcalc/internal/render"
	"github.com/vramcalc/vramcalc/estimator"
	"github.com/vramcalc/vramcalc/estimator/sweep"
)

// When a bar appears, and how often it is drawn anew.
const (
	progressAfter = time.Second
	progressEvery = 100 * time.Millisecond
	progressBar   = 24 // columns
)

// progress is a bar on standard error, for what takes more than a second. It
// draws when a step is done and wipes itself away at the end. A nil progress
// does nothing: there is no terminal to look at it.
type progress struct {
	w     io.Writer
	now   func() time.Time
	width int
	what  string // of what the steps are
	total int    // 0: not known beforehand

	mu           sync.Mutex
	done         int
	start, drawn time.Time
	shown        bool
}

// progress begins a bar over total steps, 0 where their number is not known.
func (a *app) progress(what string, total int) *progress {
	if !a.env.errTerminal || a.env.document || a.env.now == nil || a.env.getenv("TERM") == "dumb" {
		return nil
	}
	return &progress{w: a.stderr, now: a.env.now, width: a.page().Width, what: what, total: total, start: a.env.now()}
}

// step says that one more is done; any goroutine may.
func (p *progress) step() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	now := p.now()
	if now.Sub(p.start) < progressAfter || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn, p.shown = now, true
	fmt.Fprint(p.w, "\r"+p.line()+"\x1b[K")
}

// line is the bar, where the terminal has room for one, and the count.
func (p *progress) line() string {
	count := strconv.Itoa(p.done) + " " + p.what
	if p.total == 0 {
		return count
	}
	count = strconv.Itoa(p.done) + " of " + strconv.Itoa(p.total) + " " + p.what
	if room := p.width - len(count) - 2; room >= progressBar/2 {
		bar := render.Bar{Fraction: float64(p.done) / float64(p.total), Track: true}
		return bar.Draw(min(room, progressBar)) + " " + count
	}
	return count
}

// end wipes the bar away: what comes next stands alone.
func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// counting is an estimate of which each call is a step.
func (p *progress) counting(estimate sweep.Estimate) sweep.Estimate {
	if p == nil {
		return estimate
	}
	return func(r estimator.Request, devices []estimator.Device) ([]estimator.Report, []error) {
		defer p.step()
		return estimate(r, devices)
	}
}
