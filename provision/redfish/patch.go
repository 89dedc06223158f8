package redfish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
)

// Patch writes one document: the ladder of If-Match, a busy controller
// waited out, a task followed to its end.
func (c *Session) Patch(ctx context.Context, d Document, p Privacy, build func(Document) (Object, error)) (Answer, error) {
	ans, err := c.submit(ctx, d, p, build)
	if err != nil {
		return ans, err
	}
	return c.FollowTask(ctx, ans)
}

// Stage writes a settings object whose values take effect at a reset (DSP0266
// clause 9.10). The task of such a write ends with the reset: it is looked at
// once, for whether it has failed already.
func (c *Session) Stage(ctx context.Context, d Document, build func(Document) (Object, error)) (Answer, error) {
	ans, err := c.submit(ctx, d, Public, build)
	if err != nil || ans.status != http.StatusAccepted {
		return ans, err
	}
	uri := taskURI(ans)
	if uri == "" {
		return ans, nil
	}
	if d, err := c.Get(ctx, uri); err == nil {
		_, notes, failed := taskEnd(d)
		ans.Notes = append(ans.Notes, notes...)
		return ans, failed
	}
	return ans, nil // what reads back tells
}

// submit writes one document, and leaves a task to itself.
func (c *Session) submit(ctx context.Context, d Document, p Privacy, build func(Document) (Object, error)) (Answer, error) {
	body, err := build(d)
	if err != nil {
		return Answer{}, err
	}
	c.Log.Debug("patch bmc", "path", d.URI, "properties", slices.Sorted(maps.Keys(body)))
	ladder, looked := ifMatch(d.etag, c.AnyTag), false
	for i := 0; ; i++ {
		ans, err := c.Write(ctx, http.MethodPatch, writeURI(d), body, ladder[i], p)
		status := StatusOf(err)
		if status != http.StatusPreconditionFailed && status != http.StatusPreconditionRequired {
			return ans, err
		}
		if status == http.StatusPreconditionFailed && !looked {
			// Somebody may have written in between: look again before
			// climbing down to a weaker precondition.
			looked = true
			again, getErr := c.Get(ctx, d.URI)
			if getErr != nil {
				return ans, getErr
			}
			if again.etag != d.etag {
				d, ladder, i = again, ifMatch(again.etag, c.AnyTag), -1
				if body, err = build(d); err != nil {
					return ans, err
				}
				continue
			}
		}
		if i+1 == len(ladder) {
			return ans, fmt.Errorf("%w with any precondition: %w", ErrRefused, err)
		}
	}
}

// ifMatch lists the values of If-Match to try in turn; "" sends none. A weak
// ETag never matches strictly (RFC 9110 section 13.1.1), yet iLO takes its
// own back, and AMI wants it without W/ (community.general #6434). Lenovo's
// own scripts send "*"; an empty ETag counts as none.
func ifMatch(etag string, star bool) []string {
	strong := strings.TrimPrefix(etag, "W/")
	switch {
	case strings.Trim(strong, `"`) == "" && star:
		return []string{"*", ""}
	case strings.Trim(strong, `"`) == "":
		return []string{"", "*"}
	case strong != etag:
		return []string{etag, strong, "*", ""}
	}
	return []string{etag, "*", ""}
}

// writeURI is where a resource is written: its settings object, where it has
// one (DSP0266 clause 9.10; the DMTF's own example has them on interfaces).
func writeURI(d Document) string {
	if uri := d.Link("@Redfish.Settings", "SettingsObject"); uri != "" && d.Kind() == "EthernetInterface" {
		return uri
	}
	return d.URI
}

// Write repeats a write that the controller was too busy for: Dell
// says SYS518, iLO InvalidOperationForSystemState with status 400, others
// 503. None of them has carried anything out.
func (c *Session) Write(ctx context.Context, method, uri string, body Object, tag string, p Privacy) (Answer, error) {
	for try := 1; ; try++ {
		ans, err := c.writeOnce(ctx, method, uri, body, tag, p)
		if err == nil || !busy(err) || try > maxBusy {
			return ans, err
		}
		if err := await.For(ctx, c.Timing.Poll); err != nil {
			return ans, err
		}
	}
}

func busy(err error) bool {
	if e, ok := errors.AsType[*StatusError](err); ok {
		if _, yes := FindNote(e.Notes, "SYS518", "InvalidOperationForSystemState"); yes {
			return true
		}
	}
	return StatusOf(err) == http.StatusServiceUnavailable
}

// FollowTask waits for the end of a task (DSP0266 clause 12.2). A task that is
// gone is over; what reads back tells how.
func (c *Session) FollowTask(ctx context.Context, ans Answer) (Answer, error) {
	if _, due := FindNote(ans.Notes, "ResetRequired"); due {
		c.ResetDue = true
	}
	if ans.status != http.StatusAccepted {
		return ans, nil
	}
	uri := taskURI(ans)
	if uri == "" {
		return ans, nil
	}
	end := time.Now().Add(c.Timing.Task)
	if err := await.For(ctx, retryAfter(ans.header, c.Timing.Poll)); err != nil {
		return ans, err
	}
	err := await.Until(ctx, c.Timing.Poll, func(ctx context.Context) (bool, error) {
		d, err := c.Get(ctx, uri)
		switch status := StatusOf(err); {
		case status == http.StatusNotFound || status == http.StatusGone || status == http.StatusNoContent:
			return true, nil
		case err != nil:
			return false, err
		}
		if over, notes, err := taskEnd(d); over {
			ans.Notes = append(ans.Notes, notes...)
			return true, err
		}
		if time.Now().After(end) {
			return false, fmt.Errorf("follow task %s: still %s after %s", uri, d.Text("TaskState"), c.Timing.Task)
		}
		return false, nil
	})
	return ans, err
}

// taskEnd tells whether a task is over, and how it ended (Task.TaskState,
// Job.JobState; "Failed" and "CompletedWithErrors" are Dell's).
func taskEnd(d Document) (over bool, notes []Note, err error) {
	notes = taskNotes(d)
	switch state := cmp.Or(d.Text("TaskState"), d.Text("JobState")); state {
	case "Exception", "Killed", "Cancelled", "Interrupted", "Failed", "CompletedWithErrors":
		return true, notes, fmt.Errorf("%w: its task ended as %s%s", ErrRefused, state, Because(notes))
	case "Completed", "":
		return true, notes, nil
	}
	return false, notes, nil
}

func taskURI(ans Answer) string {
	for _, s := range []string{ans.header.Get("Location"), Document{Props: ans.props}.Text("@odata.id")} {
		// iLO and Dell give absolute URLs in Location.
		if _, rest, ok := strings.Cut(s, "://"); ok {
			_, rest, _ = strings.Cut(rest, "/")
			s = "/" + rest
		}
		if uri := LinkTarget(Object{"@odata.id": s}); uri != "" {
			return uri
		}
	}
	return ""
}

func taskNotes(d Document) []Note {
	var out []Note
	for _, e := range d.List("Messages") {
		if n, ok := noteOf(e, "", Public); ok && !Benign(n) {
			out = append(out, n)
		}
	}
	return out
}
