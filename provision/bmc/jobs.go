package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// job tells whether a job of the BIOS waits for a reboot, or is being carried out;
// kept is false where the controller does not tell its jobs.
func (v values) job(ctx context.Context) (waits, kept bool, err error) {
	at, err := waitingJob(ctx, v)
	switch {
	case errors.Is(err, errNoJobs):
		return false, false, nil
	case errors.Is(err, errValue): // there are more than one, or it runs
		return true, true, nil
	}
	return at != "", true, err
}

// jobsOf is where a manager of Dell names its jobs.
func jobsOf() []string { return []string{"Links", "Oem", "Dell", "Jobs"} }

// errShared is a withdrawal that would take somebody else's setting along.
var errShared = fmt.Errorf("%w: it does not wait alone", errValue)

// maxJobs is more than iDRAC keeps.
const maxJobs = 256

// errNoJobs is a controller that does not tell its jobs.
var errNoJobs = errors.New("the controller does not tell its jobs")

// waitingJob is the job of a change of the BIOS that waits for a reboot, or "";
// errNoJobs where there is no telling.
func waitingJob(ctx context.Context, v values) (string, error) {
	m, err := v.load(ctx, inManager)
	if err != nil {
		return "", err
	}
	uri := m.Link(jobsOf()...)
	if uri == "" {
		return "", errNoJobs
	}
	list, err := v.expanded(ctx, uri)
	if gone(err) {
		return "", errNoJobs
	} else if err != nil {
		return "", err
	}
	members := list.List("Members")
	if len(members) > maxJobs {
		return "", fmt.Errorf("%s has %d jobs, more than %d", uri, len(members), maxJobs)
	}
	found := ""
	for _, e := range members {
		d, err := v.member(ctx, e, "JobState")
		if gone(err) {
			continue
		} else if err != nil {
			return "", err
		}
		state := d.Text("JobState")
		switch {
		case d.Text("JobType") != "BIOSConfiguration":
		case state == "Starting" || state == "Running":
			return "", fmt.Errorf("%w: the job %s is being carried out: wait for its end", errValue, d.ID())
		case !slices.Contains([]string{"Scheduled", "New", "Downloaded", "Waiting", "Paused"}, state): // it has ended
		case !strings.HasPrefix(d.URI, uri+"/"):
			return "", fmt.Errorf("the job %s is not where jobs are", d.ID())
		case found != "":
			return "", fmt.Errorf("%w: several jobs wait for a reboot, %s among them: reboot the server, or delete them on site", errShared, d.ID())
		default:
			found = d.URI
		}
	}
	return found, nil
}
