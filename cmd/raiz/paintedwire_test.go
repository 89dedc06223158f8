//go:build linux

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// TestPaintedWire runs TestPaintedWireInside in a network of its own.
func TestPaintedWire(t *testing.T) {
	need(t, "only root can be in a network of its own", os.Getuid() != 0)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPaintedWireInside$", "-test.v")
	cmd.Env = append(os.Environ(), insideNetwork+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPaintedWireInside/controller:_Model")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// studio is a site whose machines say whatever they are told to.
type studio struct {
	*scene
	server func(net.Conn)                                     // what answers SSH
	bmc    func(path string, doc map[string]any, status *int) // changes what the controller answers
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	for _, args := range [][]string{{"link", "set", "lo", "up"}, {"addr", "add", ownBMC + "/32", "dev", "lo"}, {"addr", "add", ownServer + "/32", "dev", "lo"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	s := &studio{scene: &scene{t: t, dir: t.TempDir(), ownBMC: &listener{}, ownServer: &listener{}, theirBMC: &listener{}, theirServer: &listener{}}}
	sim, err := simbmc.New(simbmc.Config{Personality: "openbmc", Users: map[string]string{"raiz": bmcSecret}})
	if err != nil {
		t.Fatal(err)
	}
	certificate := paintedCertificate(t)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answer(sim.Handler(), w, r) })}
	in := listenAt(t, ownBMC+":443", s.ownBMC)
	t.Cleanup(func() { _ = srv.Close(); _ = sim.Close() })
	go func() { _ = srv.Serve(tls.NewListener(in, &tls.Config{Certificates: []tls.Certificate{certificate}})) }()
	signer := s.serve(t)
	s.ownPrint, s.ownKey = redfish.Fingerprint(certificate.Leaf), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	s.prepare()
	return s
}

// answer changes what the simulated controller says.
func (s *studio) answer(sim http.Handler, w http.ResponseWriter, r *http.Request) {
	var said httptest.ResponseRecorder
	said.Body = &bytes.Buffer{}
	sim.ServeHTTP(&said, r)
	status, body := said.Code, said.Body.Bytes()
	var doc map[string]any
	if json.Unmarshal(body, &doc) == nil && doc != nil && s.bmc != nil && r.Method == http.MethodGet {
		s.bmc(r.URL.Path, doc, &status)
		body, _ = json.Marshal(doc)
	}
	for k, v := range said.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// paintedCertificate has the paint as its names.
func paintedCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	named := pkix.Name{CommonName: strings.ToValidUTF8(paint, ""), Organization: []string{strings.ToValidUTF8(paint, "")}}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: named, Issuer: named, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(ownBMC)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve listens as the server; s.server says how it answers.
func (s *studio) serve(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	in := listenAt(t, ownServer+":22", s.ownServer)
	go func() {
		for {
			conn, err := in.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				s.server(conn)
			}()
		}
	}()
	return signer
}

// kexInit is the first packet of a key exchange (RFC 4253 §7.1).
type kexInit struct {
	Cookie                                     [16]byte `sshtype:"20"`
	Kex, HostKey, Cipher1, Cipher2, MAC1, MAC2 []string
	Compression1, Compression2, Lang1, Lang2   []string
	Follows                                    bool
	Reserved                                   uint32
}

// speaksKex says a version and offers algorithms, painted where name says so.
func speaksKex(name string) func(net.Conn) {
	return func(c net.Conn) {
		offer := func(which, good string) []string {
			if which == name {
				return []string{strings.ReplaceAll(paint, ",", "")}
			}
			return []string{good}
		}
		k := kexInit{Kex: offer("key exchange", "curve25519-sha256"), HostKey: offer("host key", "ssh-ed25519"), Cipher1: offer("cipher", "aes128-ctr"), Cipher2: offer("cipher", "aes128-ctr"),
			MAC1: offer("MAC", "hmac-sha2-256"), MAC2: offer("MAC", "hmac-sha2-256"), Compression1: offer("compression", "none"), Compression2: offer("compression", "none")}
		payload := ssh.Marshal(&k)
		pad := 16 - (5+len(payload))%16 + 4
		packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
		packet = append(append(append(packet, byte(pad)), payload...), make([]byte, pad)...)
		_, _ = c.Write(append([]byte("SSH-2.0-x\r\n"), packet...))
		_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 4096))
	}
}

// says writes these bytes and no more.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = c.Write([]byte(text))
		_, _ = io.CopyN(io.Discard, c, 16)
	}
}

// runs lets everybody in, and answers each command with these bytes.
func runs(signer ssh.Signer, stdout, stderr string, code uint32) func(net.Conn) {
	return func(c net.Conn) {
		config := &ssh.ServerConfig{ServerVersion: "SSH-2.0-" + strings.NewReplacer("\n", "", "\r", "").Replace(paint),
			PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil },
			BannerCallback:    func(ssh.ConnMetadata) string { return paint }}
		config.AddHostKey(signer)
		_, channels, requests, err := ssh.NewServerConn(c, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for n := range channels {
			channel, asked, err := n.Accept()
			if err != nil {
				return
			}
			go func() {
				for r := range asked {
					_ = r.Reply(true, nil)
					_, _ = channel.Write([]byte(stdout))
					_, _ = channel.Stderr().Write([]byte(stderr))
					_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
					_ = channel.Close()
				}
			}()
		}
	}
}

// everywhere sets a property in each answer that has it, however deep.
func everywhere(name string, to any) func(string, map[string]any, *int) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if k == name {
					v[k] = to
					continue
				}
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	return func(_ string, doc map[string]any, _ *int) { walk(doc) }
}

// refuses answers a path with an error that has a painted message.
func refuses(part string) func(string, map[string]any, *int) {
	return func(path string, doc map[string]any, status *int) {
		if !strings.Contains(path, part) {
			return
		}
		*status = http.StatusBadRequest
		clear(doc)
		note := map[string]any{"MessageId": "Base.1.0." + paint, "Message": paint, "RelatedProperties": []any{"#/" + paint}}
		doc["error"] = map[string]any{"code": paint, "message": paint, "@Message.ExtendedInfo": []any{note}}
	}
}

// TestPaintedWireInside has the machines of a site say the paint, each in one
// place after the other, while the verbs look at them.
func TestPaintedWireInside(t *testing.T) {
	if os.Getenv(insideNetwork) == "" {
		return // TestPaintedWire runs it
	}
	s := newStudio(t)
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	file := s.put("sites/gru1.hcl", strings.ReplaceAll(s.site, s.ownKey, key))
	operator := s.dir + "/operator.hcl"
	text, err := os.ReadFile(operator)
	if err != nil {
		t.Fatal(err)
	}
	s.put("operator.hcl", strings.ReplaceAll(string(text), s.ownKey, key))
	type field struct {
		server func(net.Conn)
		bmc    func(string, map[string]any, *int)
		verbs  [][]string
	}
	quiet := says("SSH-2.0-x\r\n")
	sshVerbs := [][]string{{"plan"}, {"history"}, {"enroll", "--ssh-only"}}
	bmcVerbs := [][]string{{"bmc", "info"}, {"bmc", "doctor"}}
	fields := map[string]field{
		"server: version":             {says("SSH-2.0-" + paint + "\r\n"), nil, sshVerbs},
		"server: line before version": {says(paint + "\r\n"), nil, sshVerbs},
		"server: no SSH":              {says("HTTP/1.1 400 " + paint + "\r\n\r\n"), nil, sshVerbs},
		"server: stdout":              {runs(signer, paint, "", 0), nil, sshVerbs},
		"server: stderr":              {runs(signer, "", paint, 1), nil, sshVerbs},
		"server: banner, both":        {runs(signer, paint, paint, 127), nil, sshVerbs},
		"server: stdout of absence":   {runs(signer, paint+"\n", paint, 90), nil, sshVerbs},
		"controller: certificate":     {quiet, nil, [][]string{{"enroll", "--bmc-only"}}},
		"controller: status of power": {quiet, everywhere("PowerState", paint), [][]string{{"bmc", "power"}, {"bmc", "info"}}},
	}
	for _, name := range []string{"key exchange", "host key", "cipher", "MAC", "compression"} {
		fields["server: "+name] = field{speaksKex(name), nil, sshVerbs}
	}
	for _, name := range []string{"Model", "Manufacturer", "FirmwareVersion", "RedfishVersion", "SerialNumber", "UUID", "Vendor", "Health", "HostName", "Id", "Name",
		"StaticNameServers", "NTPServers", "Address", "AddressOrigin", "PowerRestorePolicy", "BootSourceOverrideTarget", "BootSourceOverrideEnabled", "ManagerType", "@odata.id"} {
		fields["controller: "+name] = field{quiet, everywhere(name, paint), bmcVerbs}
	}
	for _, part := range []string{"/Managers", "/Systems", "/EthernetInterfaces", "/NetworkProtocol", "/AccountService", "/Chassis"} {
		fields["controller: error of "+part] = field{quiet, refuses(part), bmcVerbs}
	}
	seen := 0
	for name, f := range fields {
		t.Run(name, func(t *testing.T) {
			s.server, s.bmc = f.server, f.bmc
			came := false
			for _, verb := range f.verbs {
				for _, form := range [][]string{nil, {"--json"}, {"--verbose"}} {
					_, out, problems := raiz(t, append(append(append([]string{}, verb...), file, "--operator", operator), form...)...)
					for where, said := range map[string]string{"stdout": out, "stderr": problems} {
						if is := painted(said); is != "" {
							t.Errorf("%v %v: on %s %s", verb, form, where, is)
						}
						came = came || strings.Contains(said, "PAINT")
					}
					if form != nil && form[0] == "--json" && !json.Valid([]byte(out)) {
						t.Errorf("%v: no JSON: %.300q", verb, out)
					}
				}
			}
			if came {
				seen++
			} else {
				t.Log("it does not come through at all")
			}
		})
	}
	fmt.Printf("%d of %d fields come through as text\n", seen, len(fields))
	if len(fields) < 30 || seen < 15 {
		t.Errorf("%d fields, and %d of them come through: this test looks at nothing", len(fields), seen)
	}
}
