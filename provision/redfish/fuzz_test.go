package redfish_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// FuzzAnswer: whatever is in an answer, its ETag, where its task is and how long
// it asks to wait: no wait is longer than is bounded, nothing leads off the
// controller, and what is said of it is short.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"@odata.etag":"W/\"1\"","@odata.id":"/redfish/v1/x"}`), `W/"1"`, "5", "https://192.0.2.1/redfish/v1/TaskService/Tasks/1")
	f.Add([]byte(`{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.0.X","Message":"m"}]}}`), "", "-1", "//elsewhere.example/x")
	f.Add([]byte(strings.Repeat("[", 100)), "*", "99999999999999999999", "/a?b#c")
	f.Add([]byte(`{}`), "", "9223372036854775807", "")
	f.Fuzz(func(t *testing.T, body []byte, etag, retry, location string) {
		if wait := redfish.RetryAfter(retry); wait < 0 || wait > 10*time.Second {
			t.Errorf("Retry-After %q: %s", retry, wait)
		}
		uri, notes, err := redfish.ReadAnswer(body, location)
		if uri != "" && (uri[0] != '/' || strings.HasPrefix(uri, "//") || strings.ContainsAny(uri, "\r\n\\?")) {
			t.Errorf("a task at %q", uri)
		}
		if err == nil && len(notes) > 2*len(body)+10_000 {
			t.Errorf("%d bytes are said", len(notes))
		}
		for _, tag := range redfish.IfMatch(etag, true) {
			if len(tag) > len(etag)+1 {
				t.Errorf("tag %q of %q", tag, etag)
			}
		}
	})
}

// TestRequestsAreCounted: a run has an end, however a controller links.
func TestRequestsAreCounted(t *testing.T) {
	for _, tt := range []struct {
		gets   int
		bytes  int64
		waited time.Duration
		want   string
	}{
		{4000, 200 << 20, 40 * time.Minute, ""},
		{5001, 0, 0, "5000 requests"},
		{0, 257 << 20, 0, "256 MiB of answers"},
		{0, 0, 46 * time.Minute, "45m0s of waiting"},
	} {
		err := redfish.Spent(tt.gets, tt.bytes, tt.waited)
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !errors.Is(err, redfish.ErrTooMuch)) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
