package main

import (
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// enrollResult is what an enrolment has seen and done, in JSON, also where it
// did not end well.
type enrollResult struct {
	Site    string             `json:"site"`
	BMC     *certificateResult `json:"bmc,omitempty"`
	Server  *hostKeyResult     `json:"server,omitempty"`
	Written []string           `json:"written"` // files
	Login   *loginResult       `json:"login,omitempty"`
}

type certificateResult struct {
	Address     string    `json:"address"`
	Origin      string    `json:"origin"`
	Fingerprint string    `json:"fingerprint"`
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	SelfSigned  bool      `json:"self_signed"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
}

func newCertificateResult(c redfish.PeerCertificate) *certificateResult {
	return &certificateResult{c.Address.String(), c.Origin, c.Fingerprint, c.Subject, c.Issuer, c.SelfSigned(), c.NotBefore, c.NotAfter}
}

type hostKeyResult struct {
	Address     string `json:"address"`
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
}

// loginResult is the first login to the BMC.
type loginResult struct {
	Username        string         `json:"username"`
	Address         string         `json:"address"`
	Identity        identityResult `json:"identity"`
	PasswordChanged bool           `json:"password_changed"` // the BMC wanted it before anything else
}
