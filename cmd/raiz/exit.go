package main

import (
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/verify"
)

// exitCode is what the process says to a script.
type exitCode int

// The table of exit codes; scripts rely on it.
const (
	exitDone        exitCode = 0  // as declared
	exitError       exitCode = 1  // an error
	exitPending     exitCode = 2  // changes are pending, also those that the BMC has refused
	exitFailed      exitCode = 3  // verification failed, or a zone is not there yet
	exitUnreachable exitCode = 4  // could not look
	exitReverted    exitCode = 5  // applied, then reverted
	exitUsage       exitCode = 64 // usage, or an invalid site

	exitInterrupted exitCode = 130 // by Ctrl-C, or another signal that asks for it
)

// codedError is an error with its exit code. err may be nil when everything
// has been said already.
type codedError struct {
	code exitCode
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// exit returns nil for exitDone, and otherwise an error that carries the code.
func exit(code exitCode, err error) error {
	if code == exitDone && err == nil {
		return nil
	}
	return &codedError{code: code, err: err}
}

func planCode(p provision.Planned) exitCode {
	switch {
	case !p.Plan.Applicable():
		return exitUnreachable
	case !p.Plan.Empty() || len(p.Plan.Queued) > 0:
		return exitPending
	}
	if code := verifyCode(p.Found); code != exitDone || p.Plan.Part != plan.ServerAlone {
		return code
	}
	return exitUnreachable // of the BMC nobody knows anything
}

func verifyCode(results []verify.Result) exitCode {
	switch {
	case len(verify.Failed(results)) > 0:
		return exitFailed
	case len(verify.Undecided(results)) > 0:
		return exitUnreachable
	}
	return exitDone
}

func applyCode(j apply.Journal, err error) exitCode {
	switch {
	case err == nil && len(j.Missing) > 0:
		return exitFailed
	case err == nil && (j.Refused() || len(j.Settings(apply.Queued)) > 0):
		return exitPending
	case err == nil:
		return exitDone
	case j.Outcome == apply.Reverted:
		return exitReverted
	case errors.Is(err, provision.ErrMoved):
		return exitPending
	case j.Outcome == apply.NotTried && errors.Is(err, remote.ErrUnreachable):
		return exitUnreachable // nobody was there to be changed
	}
	return exitError
}
