package redfish

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
)

var (
	// ErrUnreachable means that no endpoint answered. It does not apply once
	// anything has spoken TLS.
	ErrUnreachable = errors.New("bmc does not answer")
	// ErrCertificate means that something answered with a certificate other
	// than the declared one; errors.As finds a CertificateError.
	ErrCertificate = errors.New("bmc shows another certificate")
	// ErrAuth means that user name or password were refused. It does not
	// apply to a session that ended.
	ErrAuth = errors.New("bmc refuses the login")
	// ErrPasswordChange means that the controller wants a new password
	// before anything else; errors.As finds a PasswordChangeError.
	ErrPasswordChange = errors.New("bmc wants its password changed first")
	// errRefused marks a write that the controller did not carry out.
	ErrRefused = errors.New("the controller does not take it")
)

// CertificateError says which certificate was wanted and which was shown.
type CertificateError struct {
	Address netip.AddrPort
	Want    string // fingerprint, or "" where a CA was declared or nothing
	Got     string // fingerprint
	Err     error  // why a CA did not do; may be nil
}

func (e *CertificateError) Error() string {
	switch {
	case e.Want != "":
		return fmt.Sprintf("check certificate of %s: want %s, got %s: either another device has this address, or the certificate was replaced; compare on site before declaring it", e.Address, e.Want, e.Got)
	case e.Err != nil:
		return fmt.Sprintf("check certificate of %s: %v: its fingerprint is %s", e.Address, e.Err, e.Got)
	}
	return fmt.Sprintf("check certificate of %s: the site declares neither fingerprint nor CA: got %s; compare on site, then declare it", e.Address, e.Got)
}

// Is makes it an ErrCertificate.
func (e *CertificateError) Is(target error) bool { return target == ErrCertificate }

// Unwrap returns why a CA did not do.
func (e *CertificateError) Unwrap() error { return e.Err }

// PasswordChangeError names the account whose password has to be changed.
type PasswordChangeError struct {
	Address  netip.AddrPort
	Username string
	// Account is the URI to change it at, as the controller gave it; may be
	// empty.
	Account string
	Origin  string // of the endpoint whose password was taken
}

func (e *PasswordChangeError) Error() string {
	return fmt.Sprintf("log in to %s as %s: the controller wants the password changed before anything else", e.Address, e.Username)
}

// Is makes it an ErrPasswordChange.
func (e *PasswordChangeError) Is(target error) bool { return target == ErrPasswordChange }

// authError is a refused login.
type authError struct {
	endpoint Endpoint
	status   int
}

func (e *authError) Error() string {
	return fmt.Sprintf("log in to %s as %s with %s: refused with status %d: it was tried once, so that the account is not locked; check user name and password",
		e.endpoint.Address, e.endpoint.Username, e.endpoint.Password.Source(), e.status)
}

// Is makes it an ErrAuth.
func (e *authError) Is(target error) bool { return target == ErrAuth }

// StatusError is an answer that says no. It carries the controller's message
// ids and, where they hold no secret, its words.
type StatusError struct {
	Method, Path string
	Status       int
	Notes        []Note
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s %s: status %d", strings.ToLower(e.Method), e.Path, e.Status)
	if text := NoteText(e.Notes); text != "" {
		s += ": " + text
	}
	return s
}

// Note is an entry of @Message.ExtendedInfo that is more than "Success".
type Note struct {
	id       string // without registry and version: PropertyUnknown
	property string // outermost property it is about; may be empty
	text     string // bounded; empty where it might repeat a secret
	account  string // first argument, for PasswordChangeRequired
}

// NoteText words messages in one line.
func NoteText(notes []Note) string {
	var parts []string
	for _, n := range notes {
		s := n.id
		if n.property != "" {
			s += " (" + n.property + ")"
		}
		if n.text != "" {
			s += ": " + n.text
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// StatusOf returns the HTTP status in an error of gofish or of ours, or 0.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	if e, ok := errors.AsType[*schemas.Error](err); ok {
		return e.HTTPReturnedStatusCode
	}
	return 0
}

// Because is NoteText after a colon, or "" without messages.
func Because(notes []Note) string {
	if len(notes) == 0 {
		return ""
	}
	return ": " + NoteText(notes)
}

// Benign messages are no refusal.
func Benign(n Note) bool {
	switch n.id {
	case "ResetRequired", "Created", "AccountModified", "AccountAdded", "SettingsApplied", "SYS413", "SYS414":
		return true
	}
	return false
}
