package simbmc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net/http"
	"time"
)

// makeCertificate makes a self-signed certificate such as controllers leave
// the factory with: a name nobody dials, and years of validity.
func makeCertificate(name string) (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, "", err
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, "sha256:" + hex.EncodeToString(sum[:]), nil
}

const (
	certificatesPath = rootPath + "/CertificateService"
	replaceAction    = "/Actions/CertificateService.ReplaceCertificate"
)

// buildCertificates puts the certificate service into the tree, and the one
// certificate of HTTPS.
func (b *BMC) buildCertificates() {
	b.add(certificatesPath, "CertificateService.v1_0_3.CertificateService", object{"Actions": object{
		"#CertificateService.ReplaceCertificate": object{"target": certificatesPath + replaceAction},
	}}, nil)
	b.tree[rootPath].doc["CertificateService"] = link(certificatesPath)
	all := b.who.manager + "/NetworkProtocol/HTTPS/Certificates"
	b.collect(all, "CertificateCollection", all+"/1")
	b.add(all+"/1", "Certificate.v1_5_0.Certificate", object{"CertificateType": "PEM"}, nil)
	obj(b.tree[b.who.manager+"/NetworkProtocol"].doc["HTTPS"])["Certificates"] = link(all)
}

// replaceCertificate answers ReplaceCertificate. It takes a certificate with
// its key, as bmcweb does.
func (b *BMC) replaceCertificate(in object) reply {
	text := []byte(str(in["CertificateString"]))
	where := b.tree[str(obj(in["CertificateUri"])["@odata.id"])]
	pair, err := tls.X509KeyPair(text, text)
	// Saved trees leave the certificates out that they link to.
	if err != nil || b.cfg.Tree == nil && (where == nil || kind(where.doc) != "Certificate") {
		return refuse(http.StatusBadRequest, refusal("PropertyValueFormatError", "", "CertificateString"))
	}
	b.next = &pair
	if b.who.certificateAtReset {
		infos := []any{message{id: "Base.1.13.ResetRequired"}.object()}
		return reply{status: http.StatusOK, body: object{"@Message.ExtendedInfo": infos}}
	}
	b.showCertificate()
	return reply{status: http.StatusNoContent}
}

// showCertificate makes the imported certificate the one that is shown.
func (b *BMC) showCertificate() {
	if b.next == nil {
		return
	}
	sum := sha256.Sum256(b.next.Certificate[0])
	b.cert, b.print, b.next = *b.next, "sha256:"+hex.EncodeToString(sum[:]), nil
}
