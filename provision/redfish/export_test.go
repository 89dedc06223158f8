package redfish

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// IfMatch lists what is tried for If-Match.
func IfMatch(etag string, star bool) []string { return ifMatch(etag, star) }

// Notes are the messages of an answer.
func Notes(body []byte) (string, error) {
	d, err := decode("/redfish/v1/Test", "", body)
	return NoteText(notesIn(d.Props, Public)), err
}

// RetryAfter is how long a header asks to wait.
func RetryAfter(value string) time.Duration {
	return retryAfter(http.Header{"Retry-After": {value}}, time.Second)
}

// ReadAnswer reads the body of an answer as a session does, and says where its
// task is and what it remarks.
func ReadAnswer(body []byte, location string) (task, notes string, err error) {
	body, err = readBounded(io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return "", "", err
	}
	d, err := decode("/redfish/v1/Test", "", body)
	if err != nil {
		return "", "", err
	}
	uri := taskURI(Answer{props: d.Props, header: http.Header{"Location": {location}}})
	return uri, NoteText(append(notesIn(d.Props, Public), taskNotes(d)...)), nil
}

// Spent says what a run has left that has cost so much.
func Spent(gets int, bytes int64, waited time.Duration) error {
	return (&counter{Stats: Stats{Gets: gets}, bytes: bytes, waited: waited}).spent()
}

// Decode reads a resource.
func Decode(body []byte) (Document, error) { return decode("/redfish/v1/Test", "", body) }

// MaxValues is how many values a resource may have.
const MaxValues = maxValues
