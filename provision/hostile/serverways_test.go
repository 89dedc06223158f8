//go:build unix

package hostile_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

// serverWays are what servers, and what stands between, may do.
func serverWays() []serverWay {
	ways := append(beforeSSH(), inLogin()...)
	ways = append(ways, inSession()...)
	return append(append(append(ways, inUpload()...), onConnection()...), byAgent()...)
}

func beforeSSH() []serverWay {
	raw := func(name, says string, do func(*server, net.Conn)) serverWay {
		return serverWay{name: name, says: says, raw: do}
	}
	// packet is a binary packet without encryption (RFC 4253 section 6).
	packet := func(payload string) string {
		pad := 8 - (5+len(payload))%8 + 8
		head := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
		return string(append(head, byte(pad))) + payload + strings.Repeat("\x00", pad)
	}
	list := func(names string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(names)))) + names
	}
	kex := func(names string) string {
		return "\x14" + strings.Repeat("\x00", 16) + strings.Repeat(list(names), 8) + strings.Repeat(list(""), 2) + "\x00\x00\x00\x00\x00"
	}
	const hello = "SSH-2.0-x\r\n"
	return []serverWay{
		raw("silent", "connected, but no handshake: waited 30s", func(s *server, _ net.Conn) { <-s.done }),
		raw("hangs up", "ssh 127.0.0.1", func(*server, net.Conn) {}),
		raw("random bytes", "ssh 127.0.0.1", func(_ *server, c net.Conn) { _, _ = io.Copy(c, rand.Reader) }),
		raw("speaks HTTP", "ssh 127.0.0.1", func(_ *server, c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 "+paint+"\r\n\r\n") }),
		raw("version byte by byte", "no handshake: waited 30s", func(s *server, c net.Conn) { s.drip(c, "SSH-2.0-x") }),
		raw("version without end", "ssh 127.0.0.1", func(_ *server, c net.Conn) { flood(c, "SSH-2.0-x") }),
		raw("lines before the version without end", "ssh 127.0.0.1", func(_ *server, c net.Conn) { flood(c, "x\r\n") }),
		raw("SSH 1", "ssh 127.0.0.1", func(_ *server, c net.Conn) { _, _ = io.WriteString(c, "SSH-1.5-x\r\n") }),
		raw("no packets", "no handshake: waited 30s", func(s *server, c net.Conn) { _, _ = io.WriteString(c, hello); <-s.done }),
		raw("a packet of four gigabytes", "ssh 127.0.0.1", func(_ *server, c net.Conn) { _, _ = io.WriteString(c, hello); flood(c, "\xff") }),
		raw("packets byte by byte", "no handshake: waited 30s", func(s *server, c net.Conn) {
			_, _ = io.WriteString(c, hello)
			s.drip(c, packet(kex("x")))
		}),
		raw("messages to ignore without end", "output over the bound|1048576 bytes", func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, hello)
			flood(c, packet("\x02"+list(strings.Repeat("x", 1000))))
		}),
		raw("algorithms that paint", "ssh 127.0.0.1", func(_ *server, c net.Conn) { _, _ = io.WriteString(c, hello+packet(kex(paint))) }),
		raw("algorithms without end", "ssh 127.0.0.1", func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, hello+packet(kex(strings.Repeat("a,", 2000))))
		}),
		raw("half a list of algorithms", "ssh 127.0.0.1", func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, hello+packet("\x14"+strings.Repeat("\x00", 16)+"\xff\xff\xff\xff"))
		}),
		raw("hangs up with words that paint", "ssh 127.0.0.1", func(_ *server, c net.Conn) {
			_, _ = io.WriteString(c, hello+packet("\x01\x00\x00\x00\x02"+list(strings.Repeat(paint, 900))+list("")))
		}),
	}
}

func inLogin() []serverWay {
	config := func(name, says string, do func(*server, *ssh.ServerConfig)) serverWay {
		return serverWay{name: name, says: says, config: do}
	}
	return []serverWay{
		config("a banner that paints", "", func(_ *server, c *ssh.ServerConfig) {
			c.BannerCallback = func(ssh.ConnMetadata) string { return strings.Repeat(paint, 1000) }
		}),
		config("login never decided", "no handshake: waited 30s", func(s *server, c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				<-s.done
				return nil, errors.New("no")
			}
		}),
		config("login refused", "login refused|check ssh.identity", func(_ *server, c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, errors.New(paint) }
		}),
		config("banners with each refusal", "login refused", func(_ *server, c *ssh.ServerConfig) {
			c.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, &ssh.BannerError{Err: errors.New("no"), Message: strings.Repeat(paint, 5000)}
			}
		}),
		config("never enough", "too many authentication attempts", func(_ *server, c *ssh.ServerConfig) {
			var again func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error)
			again = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PublicKeyCallback: again}}
			}
			c.PublicKeyCallback, c.MaxAuthTries = again, -1
		}),
		config("another host key", "wrong host key|console", func(s *server, c *ssh.ServerConfig) {
			*c = ssh.ServerConfig{NoClientAuth: true}
			_, key, _ := newEd25519()
			c.AddHostKey(key)
		}),
	}
}

func inSession() []serverWay {
	session := func(name, says string, do func(*server, ssh.Channel, *ssh.Request)) serverWay {
		return serverWay{name: name, says: says, session: do}
	}
	signal := func(name string) []byte {
		return ssh.Marshal(struct {
			Name       string
			Core       bool
			Text, Lang string
		}{name, false, name, name})
	}
	const late = "run on server: context deadline exceeded"
	return []serverWay{
		session("a command that never ends", late, func(s *server, _ ssh.Channel, _ *ssh.Request) { <-s.done }),
		session("output without end", "run on server: output over the bound of 8388608 bytes", func(_ *server, ch ssh.Channel, _ *ssh.Request) { flood(ch, paint) }),
		session("errors without end", "output over the bound of 8388608 bytes on standard error", func(_ *server, ch ssh.Channel, _ *ssh.Request) { flood(ch.Stderr(), paint) }),
		session("output byte by byte", late, func(s *server, ch ssh.Channel, _ *ssh.Request) { s.drip(ch, paint) }),
		session("no exit code", "ended before the command", func(_ *server, ch ssh.Channel, _ *ssh.Request) { _ = ch.Close() }),
		session("a signal that paints", "ended by the signal", func(_ *server, ch ssh.Channel, _ *ssh.Request) {
			_, _ = ch.SendRequest("exit-signal", false, signal(strings.Repeat(paint, 1000)))
			_ = ch.Close()
		}),
		session("half an exit code", "run on server", func(_ *server, ch ssh.Channel, _ *ssh.Request) {
			_, _ = ch.SendRequest("exit-status", false, []byte{1})
			_ = ch.Close()
		}),
		session("exit codes without end", late, func(s *server, ch ssh.Channel, _ *ssh.Request) {
			for {
				if _, err := ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{0})); err != nil {
					return
				}
			}
		}),
		session("an exit code, and then nothing", late, func(s *server, ch ssh.Channel, _ *ssh.Request) {
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{0}))
			<-s.done
		}),
		session("requests without end", late, func(_ *server, ch ssh.Channel, _ *ssh.Request) {
			for {
				if _, err := ch.SendRequest(strings.Repeat("x", 30_000), true, nil); err != nil {
					return
				}
			}
		}),
	}
}

// inUpload misbehaves where a file is sent.
func inUpload() []serverWay {
	upload := func(name, says string, do func(*server, ssh.Channel)) serverWay {
		return serverWay{name: name, says: says, do: send, session: func(s *server, ch ssh.Channel, r *ssh.Request) {
			if r.Type == "subsystem" {
				_ = r.Reply(true, nil)
				do(s, ch)
			}
		}}
	}
	// sftp is a packet (draft-ietf-secsh-filexfer-02 section 3).
	sftp := func(payload string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(payload)))) + payload
	}
	version := sftp("\x02\x00\x00\x00\x03")
	return []serverWay{
		{name: "no SFTP", says: "no SFTP server answers", do: send, session: func(_ *server, _ ssh.Channel, r *ssh.Request) { _ = r.Reply(false, nil) }},
		{name: "SFTP never decided", says: "upload /x", do: send, session: func(s *server, _ ssh.Channel, _ *ssh.Request) { <-s.done }},
		upload("SFTP silent", "upload /x", func(s *server, _ ssh.Channel) { <-s.done }),
		upload("SFTP that is a shell", "no SFTP server answers", func(_ *server, ch ssh.Channel) { flood(ch, paint) }),
		upload("SFTP byte by byte", "upload /x", func(s *server, ch ssh.Channel) { s.drip(ch, version) }),
		upload("an SFTP packet of four gigabytes", "no SFTP server answers", func(_ *server, ch ssh.Channel) { flood(ch, "\xff") }),
		upload("SFTP of another version", "no SFTP server answers", func(_ *server, ch ssh.Channel) { _, _ = io.WriteString(ch, sftp("\x02\xff\xff\xff\xff")) }),
		upload("SFTP that never opens", "upload /x", func(s *server, ch ssh.Channel) { _, _ = io.WriteString(ch, version); <-s.done }),
		upload("SFTP that answers something else", "/x", func(_ *server, ch ssh.Channel) {
			_, _ = io.WriteString(ch, version)
			flood(ch, sftp("\x65\x00\x00\x00\x01\x00\x00\x00\x04"+"\x00\x00\x00\x0c"+"\x1b[2J\x1b[2J\x1b[2J"+"\x00\x00\x00\x00"))
		}),
	}
}

func send(ctx context.Context, c *remote.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	return c.Upload(ctx, "/x", []byte("text"))
}

// onConnection misbehaves beside what it is asked.
func onConnection() []serverWay {
	conn := func(name, says string, do func(*server, *ssh.ServerConn, <-chan ssh.NewChannel) bool) serverWay {
		return serverWay{name: name, says: says, conn: do}
	}
	return []serverWay{
		conn("no session opened", "open ssh session", func(s *server, _ *ssh.ServerConn, _ <-chan ssh.NewChannel) bool { <-s.done; return true }),
		conn("a session refused with words that paint", "open ssh session", func(_ *server, _ *ssh.ServerConn, chans <-chan ssh.NewChannel) bool {
			for ch := range chans {
				_ = ch.Reject(ssh.ResourceShortage, strings.Repeat(paint, 500))
			}
			return true
		}),
		conn("hangs up once logged in", "open ssh session", func(_ *server, c *ssh.ServerConn, _ <-chan ssh.NewChannel) bool { _ = c.Close(); return true }),
		{name: "requests of its own without end", says: "more than 268435456 bytes over one connection", do: wait, limit: 2 * time.Minute, conn: func(_ *server, c *ssh.ServerConn, _ <-chan ssh.NewChannel) bool {
			for {
				if _, _, err := c.SendRequest("x", false, make([]byte, 30_000)); err != nil {
					return true
				}
			}
		}},
		conn("channels of its own", "", func(_ *server, c *ssh.ServerConn, _ <-chan ssh.NewChannel) bool {
			go func() {
				for {
					if _, _, err := c.OpenChannel("forwarded-tcpip", make([]byte, 100)); err == nil {
						return
					} else if _, refused := errors.AsType[*ssh.OpenChannelError](err); !refused {
						return
					}
				}
			}()
			return false
		}),
		{name: "a forward never answered", says: "forward to 192.0.2.1:53", do: forward, conn: func(s *server, _ *ssh.ServerConn, _ <-chan ssh.NewChannel) bool { <-s.done; return true }},
		{name: "a forward refused with words that paint", says: "forward to 192.0.2.1:53", do: forward},
	}
}

// wait is a command with a deadline that is far off.
func wait(ctx context.Context, c *remote.Conn) error {
	_, err := c.Run(ctx, remote.Script{Text: "true", Deadline: 100 * time.Second})
	return err
}

func forward(ctx context.Context, c *remote.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := c.Forward(ctx, netip.MustParseAddrPort("192.0.2.1:53"))
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// byAgent are agents, on the operator's own machine, that do not do their work.
func byAgent() []serverWay {
	agent := func(name string, do func(*server, net.Conn)) serverWay {
		return serverWay{name: name, says: "login refused|check ssh.identity, the agent", agent: do}
	}
	return []serverWay{
		agent("an agent that never answers", func(s *server, _ net.Conn) { <-s.done }),
		agent("an agent that hangs up", func(*server, net.Conn) {}),
		agent("an agent byte by byte", func(s *server, c net.Conn) { s.drip(c, "\x00\x00\x10\x00") }),
		agent("an agent of four gigabytes", func(_ *server, c net.Conn) { flood(c, "\xff") }),
		agent("an agent of many keys that are none", func(_ *server, c net.Conn) {
			_, _ = c.Write([]byte("\x00\x00\x00\x09\x0c\xff\xff\xff\xff\xff\xff\xff\xff"))
		}),
	}
}
