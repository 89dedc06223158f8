package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
)

// patch writes one resource: a fresh read for its ETag, the ladder of
// If-Match, a busy controller waited out, a task followed to its end.
func (c *Controller) patch(ctx context.Context, name string, p privacy, body func(document) (object, error)) (answer, error) {
	c.refresh()
	d, err := c.load(ctx, name)
	if err != nil {
		return answer{}, err
	}
	return c.patchDocument(ctx, d, p, body)
}

func (c *Controller) patchDocument(ctx context.Context, d document, p privacy, build func(document) (object, error)) (answer, error) {
	body, err := build(d)
	if err != nil {
		return answer{}, err
	}
	c.log.Debug("patch bmc", "path", d.uri, "properties", sortedKeys(body))
	ladder, looked := ifMatch(d.etag, c.where.profile.star), false
	for i := 0; ; i++ {
		ans, err := c.writeWhenReady(ctx, http.MethodPatch, writeURI(d), body, ladder[i], p)
		status := statusOf(err)
		if status != http.StatusPreconditionFailed && status != http.StatusPreconditionRequired {
			if err != nil {
				return ans, err
			}
			return c.follow202(ctx, ans)
		}
		if status == http.StatusPreconditionFailed && !looked {
			// Somebody may have written in between: look again before
			// climbing down to a weaker precondition.
			looked = true
			again, getErr := c.get(ctx, d.uri)
			if getErr != nil {
				return ans, getErr
			}
			if again.etag != d.etag {
				d, ladder, i = again, ifMatch(again.etag, c.where.profile.star), -1
				if body, err = build(d); err != nil {
					return ans, err
				}
				continue
			}
		}
		if i+1 == len(ladder) {
			return ans, fmt.Errorf("%w with any precondition: %w", errRefused, err)
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
func writeURI(d document) string {
	if uri := d.link("@Redfish.Settings", "SettingsObject"); uri != "" && d.kind() == "EthernetInterface" {
		return uri
	}
	return d.uri
}

// writeWhenReady repeats a write that the controller was too busy for: Dell
// says SYS518, iLO InvalidOperationForSystemState with status 400, others
// 503. None of them has carried anything out.
func (c *Controller) writeWhenReady(ctx context.Context, method, uri string, body object, tag string, p privacy) (answer, error) {
	for try := 1; ; try++ {
		ans, err := c.write(ctx, method, uri, body, tag, p)
		if err == nil || !busy(err) || try > maxBusy {
			return ans, err
		}
		if err := await.For(ctx, c.timing.Poll); err != nil {
			return ans, err
		}
	}
}

func busy(err error) bool {
	if e, ok := errors.AsType[*statusError](err); ok {
		if _, yes := find(e.notes, "SYS518", "InvalidOperationForSystemState"); yes {
			return true
		}
	}
	return statusOf(err) == http.StatusServiceUnavailable
}

// follow202 waits for the end of a task (DSP0266 clause 12.2). A task that is
// gone is over; what reads back tells how.
func (c *Controller) follow202(ctx context.Context, ans answer) (answer, error) {
	if _, due := find(ans.notes, "ResetRequired"); due {
		c.resetDue = true
	}
	if ans.status != http.StatusAccepted {
		return ans, nil
	}
	uri := taskURI(ans)
	if uri == "" {
		return ans, nil
	}
	end := since(c.timing.Task)
	if err := await.For(ctx, c.taskPause(ans.header)); err != nil {
		return ans, err
	}
	err := await.Until(ctx, c.timing.Poll, func(ctx context.Context) (bool, error) {
		d, err := c.get(ctx, uri)
		switch status := statusOf(err); {
		case status == http.StatusNotFound || status == http.StatusGone || status == http.StatusNoContent:
			return true, nil
		case err != nil:
			return false, err
		}
		switch state := d.text("TaskState"); state {
		case "Exception", "Killed", "Cancelled", "Interrupted":
			return false, fmt.Errorf("%w: its task ended as %s%s", errRefused, state, because(taskNotes(d)))
		case "Completed", "":
			ans.notes = append(ans.notes, taskNotes(d)...)
			return true, nil
		}
		if !end.After(since(0)) {
			return false, fmt.Errorf("follow task %s: still %s after %s", uri, d.text("TaskState"), c.timing.Task)
		}
		return false, nil
	})
	return ans, err
}

func taskURI(ans answer) string {
	for _, s := range []string{ans.header.Get("Location"), document{props: ans.props}.text("@odata.id")} {
		// iLO and Dell give absolute URLs in Location.
		if _, rest, ok := strings.Cut(s, "://"); ok {
			_, rest, _ = strings.Cut(rest, "/")
			s = "/" + rest
		}
		if uri := target(object{"@odata.id": s}); uri != "" {
			return uri
		}
	}
	return ""
}

func taskNotes(d document) []note {
	var out []note
	for _, e := range d.list("Messages") {
		if n, ok := noteOf(e, "", public); ok && !benign(n) {
			out = append(out, n)
		}
	}
	return out
}

func (c *Controller) taskPause(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	return c.timing.Poll
}
