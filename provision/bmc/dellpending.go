package bmc

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// iDRAC makes a job of what waits for a reboot, and takes nothing else while that
// one is scheduled. What waits ends with its job; where there is none it is cleared
// (Dell's own Ansible module idrac_bios does the same).

// withdraw empties a settings object that cannot be taken back by writing the
// value in effect into it, unless somebody else's setting waits in it as well.
// done is false where it is no such object. body is our own part of it.
func (c *Controller) withdraw(ctx context.Context, staged redfish.Document, body redfish.Object) (done bool, err error) {
	job, err := c.waitingJob(ctx)
	clear := clearAction(staged)
	if err != nil || job == "" && clear == "" {
		return false, err
	}
	own, _ := body["Attributes"].(redfish.Object)
	all, _ := staged.At("Attributes").(redfish.Object)
	for _, name := range sortedKeys(all) {
		if _, ours := own[name]; !ours {
			return true, fmt.Errorf("%w: %s waits in %s as well, and would be withdrawn with it: reboot the server, or clear it on site", redfish.ErrRefused, redfish.Short(name), staged.URI)
		}
	}
	if job != "" {
		return true, c.session.Delete(ctx, job)
	}
	_, err = c.session.Write(ctx, http.MethodPost, clear, redfish.Object{}, "", redfish.Public)
	return true, err
}

// maxJobs is more than iDRAC keeps.
const maxJobs = 256

// waitingJob is the job of a change of the BIOS that waits for a reboot, or "".
func (c *Controller) waitingJob(ctx context.Context) (string, error) {
	m, err := c.load(ctx, inManager)
	if err != nil {
		return "", err
	}
	uri := m.Link("Links", "Oem", "Dell", "Jobs")
	if uri == "" {
		return "", nil
	}
	list, err := c.expanded(ctx, uri)
	if gone(err) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	members := list.List("Members")
	if len(members) > maxJobs {
		return "", fmt.Errorf("%s has %d jobs, more than %d", uri, len(members), maxJobs)
	}
	found := ""
	for _, e := range members {
		d, err := c.member(ctx, e, "JobState")
		if gone(err) {
			continue
		} else if err != nil {
			return "", err
		}
		state := d.Text("JobState")
		switch {
		case d.Text("JobType") != "BIOSConfiguration":
		case state == "Starting" || state == "Running":
			return "", fmt.Errorf("%w: the job %s is being carried out: wait for its end", redfish.ErrRefused, d.ID())
		case state == "Scheduled" && found != "":
			return "", fmt.Errorf("%w: several jobs wait for a reboot, %s among them: reboot the server, or delete them on site", redfish.ErrRefused, d.ID())
		case state == "Scheduled":
			found = d.URI
		}
	}
	return found, nil
}

// clearAction is DellManager.ClearPending of a settings object, or "".
func clearAction(staged redfish.Document) string {
	all, _ := staged.At("Actions", "Oem").(redfish.Object)
	for _, name := range sortedKeys(all) {
		o, _ := all[name].(redfish.Object)
		if target, _ := o["target"].(string); strings.HasSuffix(name, ".ClearPending") {
			return redfish.LinkTarget(redfish.Object{"@odata.id": target})
		}
	}
	return ""
}
