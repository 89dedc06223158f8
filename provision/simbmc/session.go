package simbmc

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
)

const sessionsPath = "/redfish/v1/SessionService/Sessions"

type user struct {
	id         string
	password   string
	role       string
	enabled    bool
	mustChange bool
}

type session struct {
	user string
	path string
	left int // requests before it ends; 0 is for ever
}

// login answers a POST to the session collection.
func (b *BMC) login(body []byte) reply {
	var in struct{ UserName, Password string }
	if json.Unmarshal(body, &in) != nil {
		return refuse(http.StatusBadRequest, refusal("MalformedJSON"))
	}
	if !b.checkPassword(in.UserName, in.Password) {
		return refuse(http.StatusUnauthorized, refusal("ResourceAtUriUnauthorized", sessionsPath, "Invalid username or password"))
	}
	if n := b.faults.SessionLimit; n > 0 && len(b.sessions) >= n {
		return refuse(http.StatusServiceUnavailable, refusal("SessionLimitExceeded"))
	}
	u := b.users[in.UserName]
	if u.mustChange && b.who.changeAtLogin {
		return refuse(http.StatusForbidden, b.passwordChange(u))
	}
	b.serial++
	path := sessionsPath + "/" + strconv.Itoa(b.serial)
	token := rand.Text()
	b.sessions[token] = session{user: in.UserName, path: path, left: b.faults.SessionLife}
	b.count.Sessions++
	doc := object{"@odata.id": path, "@odata.type": "#Session.v1_5_0.Session", "Id": strconv.Itoa(b.serial), "UserName": in.UserName}
	if u.mustChange {
		// bmcweb opens the session all the same and says so inside it.
		doc["@Message.ExtendedInfo"] = []any{b.passwordChange(u).object()}
	}
	out := reply{status: http.StatusCreated, body: doc, header: http.Header{"Location": {path}}}
	if !b.faults.NoToken {
		out.header.Set("X-Auth-Token", token)
	}
	return out
}

func (b *BMC) checkPassword(name, password string) bool {
	u := b.users[name]
	if u == nil || !u.enabled || subtle.ConstantTimeCompare([]byte(u.password), []byte(password)) != 1 {
		b.count.FailedLogins++
		return false
	}
	return true
}

func (b *BMC) passwordChange(u *user) message {
	return refusal("PasswordChangeRequired", accountsPath+"/"+u.id)
}

// logout answers a DELETE below the session collection.
func (b *BMC) logout(path string) reply {
	for token, s := range b.sessions {
		if s.path == path {
			delete(b.sessions, token)
			return reply{status: http.StatusNoContent}
		}
	}
	return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
}

// authenticate names the user behind a request, or answers it.
func (b *BMC) authenticate(r *http.Request) (string, *reply) {
	denied := refuse(http.StatusUnauthorized, refusal("NoValidSession"))
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		s, ok := b.sessions[token]
		if !ok {
			return "", &denied
		}
		if s.left == 1 {
			delete(b.sessions, token)
		} else if s.left > 1 {
			s.left--
			b.sessions[token] = s
		}
		return s.user, nil
	}
	name, password, ok := r.BasicAuth()
	if !ok || !b.checkPassword(name, password) {
		return "", &denied
	}
	return name, nil
}
