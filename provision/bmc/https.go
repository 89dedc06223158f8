package bmc

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

// Identity certificates. A controller comes with a self-signed one; the site
// may give it another, which is then trusted beside the pinned one, since for
// a while either may be shown.

// KeyPair is a certificate for the controller with its key.
type KeyPair struct {
	Chain []byte // PEM, the controller's own first
	Key   secret.Value
}

// leaf is the fingerprint of the first certificate, or "" without any.
func (k KeyPair) leaf() string {
	block, _ := pem.Decode(k.Chain)
	if block == nil {
		return ""
	}
	return redfish.FingerprintOf(block.Bytes)
}

// text is the certificates and their key, as one string of PEM.
func (k KeyPair) text() string {
	return strings.TrimSpace(string(k.Chain)) + "\n" + strings.TrimSpace(k.Key.Reveal()) + "\n"
}

// https is the certificate that a controller shows.
type https struct {
	*resources
	pair    KeyPair // to import
	witness *witness
}

// read tells which certificate is shown. It costs no look.
func (h https) read() (*state.Attr, error) {
	switch {
	case h.where != nil && h.where.profile.noCertificate != "":
		return attr(h.session.Peer), &fixedError{h.where.profile.noCertificate}
	case h.session.Root.Link("CertificateService") == "" && (h.where == nil || h.where.profile.certificate == replaceAction):
		return attr(h.session.Peer), &fixedError{"the controller has no certificate service"}
	}
	return attr(h.session.Peer), nil
}

// set replaces the certificate, and proves it by a new connection that shows it.
func (h https) set(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	pair := h.pair
	switch {
	case !ok || len(want.Values) != 1 || want.Values[0] != pair.leaf():
		return fmt.Errorf("%w: the certificate to import is not the one that is wanted", errValue)
	case want.Values[0] == h.session.Peer:
		return nil
	case pair.Key.IsZero() || pair.Key.Err() != nil:
		return fmt.Errorf("%w: the key of the certificate is not known", errValue)
	}
	if _, err := tls.X509KeyPair(pair.Chain, []byte(pair.Key.Reveal())); err != nil {
		return fmt.Errorf("%w: certificate and key do not belong together", errValue)
	}
	if why := h.where.profile.noCertificate; why != "" {
		return &fixedError{why}
	}
	build := replacement
	if h.where.profile.certificate == hpeImport {
		build = hpeCertificate
	}
	uri, body, err := build(ctx, h.resources, pair)
	if err != nil {
		return err
	}
	self, err := identityOf(ctx, h.resources)
	if err != nil {
		return err
	}
	ans, err := h.session.Write(ctx, http.MethodPost, uri, body, "", redfish.Confidential)
	if err != nil && redfish.StatusOf(err) != 0 {
		return refusal(err)
	}
	if err == nil {
		ans, err = h.session.FollowTask(ctx, ans)
	}
	if err != nil && errors.Is(err, redfish.ErrRefused) {
		return err
	}
	if h.where.profile.certificate == hpeImport {
		if err := h.witness.afterSelfReset(ctx, self); err != nil {
			return &unprovenError{err}
		}
	}
	if h.session.ResetDue {
		// XCC shows a new certificate after a restart only.
		if err := h.witness.resetAndProve(ctx, nil); err != nil {
			return &unprovenError{err}
		}
	}
	return h.prove(ctx, want.Values[0], ans)
}

// replacement builds CertificateService.ReplaceCertificate (v1_0_0).
func replacement(ctx context.Context, r *resources, pair KeyPair) (string, redfish.Object, error) {
	service, err := r.session.Get(ctx, r.session.Root.Link("CertificateService"))
	if gone(err) || r.session.Root.Link("CertificateService") == "" {
		return "", nil, unsupported("the controller has no certificate service")
	} else if err != nil {
		return "", nil, err
	}
	uri := redfish.LinkTarget(redfish.Object{"@odata.id": service.Text("Actions", "#CertificateService.ReplaceCertificate", "target")})
	if uri == "" {
		return "", nil, unsupported("the certificate service cannot replace certificates")
	}
	np, err := r.load(ctx, inProtocol)
	if err != nil {
		return "", nil, err
	}
	if np.Link("HTTPS", "Certificates") == "" {
		return "", nil, unsupported("the network protocol does not say which certificate is that of HTTPS")
	}
	members, err := r.members(ctx, np.Link("HTTPS", "Certificates"))
	if err != nil {
		return "", nil, err
	}
	// bmcweb and CIMC take no other type, chain or not.
	kind, allowed := "PEM", service.List("Actions", "#CertificateService.ReplaceCertificate", "CertificateType@Redfish.AllowableValues")
	if strings.Count(string(pair.Chain), "BEGIN CERTIFICATE") > 1 && slices.Contains(allowed, any("PEMchain")) {
		kind = "PEMchain"
	}
	return uri, redfish.Object{
		"CertificateString": pair.text(),
		"CertificateType":   kind,
		"CertificateUri":    redfish.Object{"@odata.id": members[0]},
	}, nil
}

// hpeCertificate builds HpeHttpsCert.ImportCertificate, which takes the key after
// the certificate from iLO 6 1.30 on (HPE, securityService). iLO resets itself then.
func hpeCertificate(ctx context.Context, r *resources, pair KeyPair) (string, redfish.Object, error) {
	security, err := r.follow(ctx, inManager, "Oem", "Hpe", "Links", "SecurityService")
	if err != nil {
		return "", nil, err
	}
	service, err := r.session.Get(ctx, security)
	if err != nil {
		return "", nil, missing(security, err)
	}
	at := service.Link("Links", "HttpsCert")
	if at == "" {
		return "", nil, unsupported("the security service of iLO has no link to HttpsCert")
	}
	d, err := r.session.Get(ctx, at)
	if err != nil {
		return "", nil, missing(at, err)
	}
	uri := redfish.LinkTarget(redfish.Object{"@odata.id": d.Text("Actions", "#HpeHttpsCert.ImportCertificate", "target")})
	if uri == "" {
		return "", nil, unsupported("the HttpsCert of iLO cannot import certificates")
	}
	return uri, redfish.Object{"Certificate": pair.text()}, nil
}

// missing makes unsupported of a resource that is linked to and not there.
func missing(uri string, err error) error {
	if gone(err) {
		return unsupported("the controller lists %s but does not have it", uri)
	}
	return err
}

// prove connects anew until the certificate is shown, and carries on there.
func (h https) prove(ctx context.Context, want string, ans redfish.Answer) error {
	end := since(h.witness.patience.Move)
	return await.Until(ctx, h.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		there, err := h.session.Visit(ctx, h.session.At.Address, func(shown string) error {
			if shown != want {
				return fmt.Errorf("it still shows another certificate%s", redfish.Because(ans.Notes))
			}
			return nil
		})
		if err == nil {
			h.session.HangUp()
			h.session = there
			return true, nil
		}
		if !end.After(since(0)) || ctx.Err() != nil {
			return false, &unprovenError{fmt.Errorf("prove the certificate: not within %s: %w", h.witness.patience.Move, err)}
		}
		return false, nil
	})
}
