package redfish_test

import (
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
