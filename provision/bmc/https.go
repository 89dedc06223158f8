package bmc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// Identity certificates. A controller comes with a self-signed one; the site
// may give it another, which is then trusted beside the pinned one, since for
// a while either may be shown.

// setHTTPS replaces the certificate of HTTPS, and proves it by a new
// connection that shows it.
func (c *Controller) setHTTPS(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	pair := c.https
	switch {
	case !ok || len(want.Values) != 1 || want.Values[0] != pair.leaf():
		return fmt.Errorf("%w: the certificate to import is not the one that is wanted", errValue)
	case want.Values[0] == c.session.Peer:
		return nil
	case pair.Key.IsZero() || pair.Key.Err() != nil:
		return fmt.Errorf("%w: the key of the certificate is not known", errValue)
	}
	if _, err := tls.X509KeyPair(pair.Chain, []byte(pair.Key.Reveal())); err != nil {
		return fmt.Errorf("%w: certificate and key do not belong together", errValue)
	}
	if why := c.where.profile.noCertificate; why != "" {
		return &fixedError{why}
	}
	build := replacement
	if c.where.profile.certificate == hpeImport {
		build = hpeCertificate
	}
	uri, body, err := build(ctx, c, pair)
	if err != nil {
		return err
	}
	self, err := c.ownIdentity(ctx)
	if err != nil {
		return err
	}
	ans, err := c.session.Write(ctx, http.MethodPost, uri, body, "", redfish.Confidential)
	if err != nil && redfish.StatusOf(err) != 0 {
		return refusal(err)
	}
	if err == nil {
		ans, err = c.session.FollowTask(ctx, ans)
	}
	if err != nil && errors.Is(err, redfish.ErrRefused) {
		return err
	}
	if c.where.profile.certificate == hpeImport {
		if err := c.afterSelfReset(ctx, self); err != nil {
			return &unprovenError{err}
		}
	}
	if c.session.ResetDue {
		// XCC shows a new certificate after a restart only.
		if err := c.resetAndProve(ctx, nil); err != nil {
			return &unprovenError{err}
		}
	}
	return c.proveHTTPS(ctx, want.Values[0], ans)
}

// text is the certificates and their key, as one string of PEM.
func (k KeyPair) text() string {
	return strings.TrimSpace(string(k.Chain)) + "\n" + strings.TrimSpace(k.Key.Reveal()) + "\n"
}

// replacement builds CertificateService.ReplaceCertificate (v1_0_0).
func replacement(ctx context.Context, c *Controller, pair KeyPair) (string, redfish.Object, error) {
	service, err := c.session.Get(ctx, c.session.Root.Link("CertificateService"))
	if gone(err) || c.session.Root.Link("CertificateService") == "" {
		return "", nil, unsupported("the controller has no certificate service")
	} else if err != nil {
		return "", nil, err
	}
	uri := redfish.LinkTarget(redfish.Object{"@odata.id": service.Text("Actions", "#CertificateService.ReplaceCertificate", "target")})
	if uri == "" {
		return "", nil, unsupported("the certificate service cannot replace certificates")
	}
	np, err := c.load(ctx, inProtocol)
	if err != nil {
		return "", nil, err
	}
	if np.Link("HTTPS", "Certificates") == "" {
		return "", nil, unsupported("the network protocol does not say which certificate is that of HTTPS")
	}
	members, err := c.members(ctx, np.Link("HTTPS", "Certificates"))
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
func hpeCertificate(ctx context.Context, c *Controller, pair KeyPair) (string, redfish.Object, error) {
	security, err := c.follow(ctx, inManager, "Oem", "Hpe", "Links", "SecurityService")
	if err != nil {
		return "", nil, err
	}
	service, err := c.session.Get(ctx, security)
	if err != nil {
		return "", nil, missing(security, err)
	}
	at := service.Link("Links", "HttpsCert")
	if at == "" {
		return "", nil, unsupported("the security service of iLO has no link to HttpsCert")
	}
	d, err := c.session.Get(ctx, at)
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

// proveHTTPS connects anew until the certificate is shown, and carries on
// there.
func (c *Controller) proveHTTPS(ctx context.Context, want string, ans redfish.Answer) error {
	end := since(c.patience.Move)
	return await.Until(ctx, c.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		there, err := c.session.Visit(ctx, c.session.At.Address, func(shown string) error {
			if shown != want {
				return fmt.Errorf("it still shows another certificate%s", redfish.Because(ans.Notes))
			}
			return nil
		})
		if err == nil {
			c.session.HangUp()
			c.session = *there
			return true, nil
		}
		if !end.After(since(0)) || ctx.Err() != nil {
			return false, &unprovenError{fmt.Errorf("prove the certificate: not within %s: %w", c.patience.Move, err)}
		}
		return false, nil
	})
}
