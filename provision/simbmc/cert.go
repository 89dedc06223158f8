package simbmc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net/http"
	"strings"
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
	if b.who.ownRequests && strings.Contains(string(text), "PRIVATE KEY") {
		return refuse(http.StatusBadRequest, refusal("PropertyValueFormatError", "", "CertificateString"))
	}
	if str(in["CertificateType"]) != "PEM" { // bmcweb, CIMC and XCC have no other
		return refuse(http.StatusBadRequest, refusal("ActionParameterNotSupported", "CertificateType"))
	}
	pair, err := tls.X509KeyPair(text, text)
	// Saved trees leave the certificates out that they link to.
	if err != nil || b.cfg.Tree == nil && (where == nil || kind(where.doc) != "Certificate") {
		return refuse(http.StatusBadRequest, refusal("PropertyValueFormatError", "", "CertificateString"))
	}
	b.next = &pair
	if b.faults.CertificateAtReset {
		infos := []any{message{id: "Base.1.13.ResetRequired"}.object()}
		return reply{status: http.StatusOK, body: object{"@Message.ExtendedInfo": infos}}
	}
	b.showCertificate()
	return reply{status: http.StatusNoContent}
}

const importAction = "/Actions/HpeHttpsCert.ImportCertificate"

// buildHPECertificate puts HPE's own way into the tree.
func (b *BMC) buildHPECertificate() {
	at := b.who.manager + "/SecurityService"
	b.add(at, "HpeSecurityService.v2_4_0.HpeSecurityService", object{"Links": object{"HttpsCert": link(at + "/HttpsCert")}}, nil)
	b.add(at+"/HttpsCert", "HpeHttpsCert.v2_0_0.HpeHttpsCert", object{"Actions": object{
		"#HpeHttpsCert.ImportCertificate": object{"target": at + "/HttpsCert" + importAction + "/"},
	}}, nil)
	links := obj(obj(obj(b.tree[b.who.manager].doc["Oem"])["Hpe"])["Links"])
	links["SecurityService"] = link(at)
}

// importHPE answers ImportCertificate as iLO 6 1.30 and later do: a certificate
// with its key in one string of at most 20 KB, and RSA unless in CNSA mode. iLO
// resets itself then.
func (b *BMC) importHPE(in object) reply {
	text := []byte(str(in["Certificate"]))
	pair, err := tls.X509KeyPair(text, text)
	if err != nil || len(text) > 20<<10 {
		return refuse(http.StatusBadRequest, refusal("iLO.2.25.ImportCertUnsuccessful"))
	}
	if key, isRSA := pair.PrivateKey.(*rsa.PrivateKey); !isRSA || key.N.BitLen() > 2048 {
		return refuse(http.StatusBadRequest, refusal("iLO.2.25.ImportCertUnsuccessful"))
	}
	b.next = &pair
	b.showCertificate()
	b.leave()
	return reply{status: http.StatusOK, body: object{"error": object{"@Message.ExtendedInfo": []any{
		message{id: "iLO.2.25.ImportCertSuccessfuliLOResetinProgress", ok: true}.object(),
	}}}}
}

// showCertificate makes the imported certificate the one that is shown.
func (b *BMC) showCertificate() {
	if b.next == nil {
		return
	}
	sum := sha256.Sum256(b.next.Certificate[0])
	b.cert, b.print, b.next = *b.next, "sha256:"+hex.EncodeToString(sum[:]), nil
}
