package redfish

// IfMatch lists what is tried for If-Match.
func IfMatch(etag string, star bool) []string { return ifMatch(etag, star) }

// Notes are the messages of an answer.
func Notes(body []byte) (string, error) {
	d, err := decode("/redfish/v1/Test", "", body)
	return NoteText(notesIn(d.Props, Public)), err
}
