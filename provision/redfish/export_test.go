package redfish

// IfMatch lists what is tried for If-Match.
func IfMatch(etag string, star bool) []string { return ifMatch(etag, star) }
