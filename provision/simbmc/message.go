package simbmc

import (
	"net/http"
	"strings"
)

// message is an entry of @Message.ExtendedInfo (DSP0266 clause 8.6).
type message struct {
	id       string // of the Base registry, without its prefix
	args     []string
	property string // the property it is about
	ok       bool
}

func refusal(id string, args ...string) message { return message{id: id, args: args} }

// about names the property a refusal is about, outermost name first.
func (m message) about(name string) message {
	if m.property != "" {
		name += "/" + m.property
	}
	m.property = name
	return m
}

func (m message) object() object {
	id, severity := m.id, "Warning"
	if !strings.Contains(id, ".") {
		id = "Base.1.13." + id
	}
	if m.ok {
		severity = "OK"
	}
	out := object{
		"@odata.type": "#Message.v1_1_1.Message", "MessageId": id, "MessageSeverity": severity,
		"Message": m.id + ": " + strings.Join(m.args, ", "), "Resolution": "None.",
	}
	args := []any{}
	for _, a := range m.args {
		args = append(args, a)
	}
	out["MessageArgs"] = args
	if m.property != "" {
		out["RelatedProperties"] = []any{"#/" + m.property}
	}
	return out
}

// reply is an answer before it is written.
type reply struct {
	status int
	header http.Header
	body   object
	raw    []byte // instead of body, as it is
	cut    bool   // close the connection instead
	reset  bool   // reset it instead
}

func refuse(status int, ms ...message) reply {
	infos := []any{}
	for _, m := range ms {
		infos = append(infos, m.object())
	}
	return reply{status: status, body: object{"error": object{
		"code": "Base.1.13.GeneralError", "message": "A general error has occurred.", "@Message.ExtendedInfo": infos,
	}}}
}
