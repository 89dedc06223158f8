package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// iDRAC makes a job of what waits for a reboot, and takes nothing else while that
// one is scheduled. What waits ends with its job; where there is none it is cleared
// (Dell's own Ansible module idrac_bios does the same).

// withdraw empties a settings object that cannot be taken back by writing the
// value in effect into it, unless somebody else's setting waits in it as well.
// done is false where it is no such object. body is our own part of it.
func withdraw(ctx context.Context, v values, staged redfish.Document, body redfish.Object) (done bool, err error) {
	job, err := waitingJob(ctx, v)
	if errors.Is(err, errNoJobs) {
		err = nil
	}
	clear := clearAction(staged)
	if err != nil || job == "" && clear == "" {
		return false, err
	}
	if err := nobodyElseWaits(ctx, v, staged, body, job); err != nil {
		return true, err
	}
	if job != "" {
		return true, v.session.Delete(ctx, job)
	}
	_, err = v.session.Write(ctx, http.MethodPost, clear, redfish.Object{}, "", redfish.Public)
	return true, err
}

// nobodyElseWaits is an error where a setting of somebody else would be withdrawn
// as well: with a job all that waits for it, in whichever object.
func nobodyElseWaits(ctx context.Context, v values, staged redfish.Document, body redfish.Object, job string) error {
	if err := othersIn(staged, body); err != nil || job == "" {
		return err
	}
	for _, in := range []string{inSystem, inBios} {
		d, err := v.load(ctx, in)
		if errors.Is(err, state.ErrUnsupported) {
			continue
		} else if err != nil {
			return err
		}
		uri := d.Link("@Redfish.Settings", "SettingsObject")
		if uri == "" || uri == staged.URI {
			continue
		}
		other, err := v.staged(ctx, uri)
		if errors.Is(err, state.ErrUnsupported) {
			continue
		} else if err != nil {
			return err
		}
		if err := othersIn(other, redfish.Object{}); err != nil {
			return err
		}
	}
	return nil
}

// othersIn is an error where a settings object holds what is not in body.
func othersIn(staged redfish.Document, body redfish.Object) error {
	for _, part := range []string{"Attributes", "Boot"} {
		own, _ := body[part].(redfish.Object)
		all, _ := staged.At(part).(redfish.Object)
		for _, name := range sortedKeys(all) {
			list, isList := all[name].([]any)
			if _, ours := own[name]; ours || all[name] == nil || isList && len(list) == 0 {
				continue
			}
			return fmt.Errorf("%w: %s waits in %s as well, and would be withdrawn with it: reboot the server, or clear it on site", errShared, redfish.Short(name), staged.URI)
		}
	}
	return nil
}

// clearAction is DellManager.ClearPending of a settings object, or "".
func clearAction(staged redfish.Document) string {
	all, _ := staged.At("Actions", "Oem").(redfish.Object)
	for _, name := range sortedKeys(all) {
		o, _ := all[name].(redfish.Object)
		target, _ := o["target"].(string)
		if uri := redfish.LinkTarget(redfish.Object{"@odata.id": target}); strings.HasSuffix(name, ".ClearPending") && strings.HasPrefix(uri, staged.URI+"/Actions/") {
			return uri
		}
	}
	return ""
}
