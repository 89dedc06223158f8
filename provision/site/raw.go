package site

import "github.com/hashicorp/hcl/v2"

// The raw structs mirror the file and nothing else: every argument stays an
// expression with its position until a converter looks at it. All are
// optional here, so that a missing one can be answered with an example.

type rawFile struct {
	Locals []rawLocals `hcl:"locals,block"`
	Sites  []rawSite   `hcl:"site,block"`
}

// rawLocals is only there to be allowed: locals are read before the rest.
type rawLocals struct {
	Body hcl.Body `hcl:",remain"`
}

type rawSite struct {
	Name       string         `hcl:"name,label"`
	NameRange  hcl.Range      `hcl:"name,label_range"`
	Range      hcl.Range      `hcl:",def_range"`
	Operator   *hcl.Attribute `hcl:"operator,optional"`
	Lab        *hcl.Attribute `hcl:"lab,optional"`
	Host       *rawHost       `hcl:"host,block"`
	BMC        *rawBMC        `hcl:"bmc,block"`
	Server     *rawServer     `hcl:"server,block"`
	BGP        *rawBGP        `hcl:"bgp,block"`
	Anycast    []rawAnycast   `hcl:"anycast,block"`
	DNS        *rawDNS        `hcl:"dns,block"`
	Components *rawComponents `hcl:"components,block"`
	Overrides  []rawOverride  `hcl:"override,block"`
}

type rawHost struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	ASN       *hcl.Attribute `hcl:"asn,optional"`
	ASSet     *hcl.Attribute `hcl:"as_set,optional"`
	Bandwidth *hcl.Attribute `hcl:"bandwidth,optional"`
	Reserve   *hcl.Attribute `hcl:"reserve,optional"`
	Location  *rawLocation   `hcl:"location,block"`
	Contacts  []rawContact   `hcl:"contact,block"`
	Routers   []rawRouter    `hcl:"router,block"`
}

type rawLocation struct {
	Range     hcl.Range      `hcl:",def_range"`
	City      *hcl.Attribute `hcl:"city,optional"`
	Country   *hcl.Attribute `hcl:"country,optional"`
	IATA      *hcl.Attribute `hcl:"iata,optional"`
	Facility  *hcl.Attribute `hcl:"facility,optional"`
	RackUnits *hcl.Attribute `hcl:"rack_units,optional"`
}

type rawContact struct {
	Role      string         `hcl:"role,label"`
	RoleRange hcl.Range      `hcl:"role,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Email     *hcl.Attribute `hcl:"email,optional"`
	Phone     *hcl.Attribute `hcl:"phone,optional"`
}

type rawRouter struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	OS        *hcl.Attribute `hcl:"os,optional"`
	Version   *hcl.Attribute `hcl:"version,optional"`
}

type rawBMC struct {
	Range        hcl.Range      `hcl:",def_range"`
	Addresses    *hcl.Attribute `hcl:"addresses,optional"`
	Gateways     *hcl.Attribute `hcl:"gateways,optional"`
	DNS          *hcl.Attribute `hcl:"dns,optional"`
	NTP          *hcl.Attribute `hcl:"ntp,optional"`
	Hostname     *hcl.Attribute `hcl:"hostname,optional"`
	Port         *hcl.Attribute `hcl:"port,optional"`
	Username     *hcl.Attribute `hcl:"username,optional"`
	Password     *hcl.Attribute `hcl:"password,optional"`
	Certificate  *hcl.Attribute `hcl:"certificate,optional"`
	CA           *hcl.Attribute `hcl:"ca,optional"`
	PowerRestore *hcl.Attribute `hcl:"power_restore,optional"`
	Previous     *hcl.Attribute `hcl:"previous_password,optional"`
	Accounts     *hcl.Attribute `hcl:"accounts,optional"`
	VLAN         *hcl.Attribute `hcl:"vlan,optional"`
	Protocols    *hcl.Attribute `hcl:"protocols,optional"`
	Serial       *hcl.Attribute `hcl:"serial_console,optional"`
	Boot         *hcl.Attribute `hcl:"boot,optional"`
	BootOrder    *hcl.Attribute `hcl:"boot_order,optional"`
	Unmanaged    *hcl.Attribute `hcl:"unmanaged,optional"`
	Factory      *rawFactory    `hcl:"factory,block"`
	Hardware     *rawHardware   `hcl:"hardware,block"`
	Expect       *rawExpect     `hcl:"expect,block"`
	HTTPS        *rawHTTPS      `hcl:"https,block"`
}

type rawHTTPS struct {
	Range       hcl.Range      `hcl:",def_range"`
	Certificate *hcl.Attribute `hcl:"certificate,optional"`
	Key         *hcl.Attribute `hcl:"key,optional"`
}

// rawHardware is shared by sites and operator profiles.
type rawHardware struct {
	Range         hcl.Range      `hcl:",def_range"`
	CPUs          *hcl.Attribute `hcl:"cpus,optional"`
	Cores         *hcl.Attribute `hcl:"cores,optional"`
	MemoryGiB     *hcl.Attribute `hcl:"memory_gib,optional"`
	Disks         *hcl.Attribute `hcl:"disks,optional"`
	RAID          *hcl.Attribute `hcl:"raid,optional"`
	PowerSupplies *hcl.Attribute `hcl:"power_supplies,optional"`
	NICs          *hcl.Attribute `hcl:"nics,optional"`
}

// rawExpect is shared by sites and operator profiles.
type rawExpect struct {
	Range           hcl.Range      `hcl:",def_range"`
	Firmware        *hcl.Attribute `hcl:"firmware,optional"`
	BIOS            *hcl.Attribute `hcl:"bios,optional"`
	Licences        *hcl.Attribute `hcl:"licences,optional"`
	SecureBoot      *hcl.Attribute `hcl:"secure_boot,optional"`
	TPM             *hcl.Attribute `hcl:"tpm,optional"`
	CertificateDays *hcl.Attribute `hcl:"certificate_days,optional"`
	EventLog        *rawEventLog   `hcl:"event_log,block"`
}

type rawEventLog struct {
	Range    hcl.Range      `hcl:",def_range"`
	Log      *hcl.Attribute `hcl:"log,optional"`
	Severity *hcl.Attribute `hcl:"severity,optional"`
	Since    *hcl.Attribute `hcl:"since,optional"`
}

type rawFactory struct {
	Range    hcl.Range      `hcl:",def_range"`
	Address  *hcl.Attribute `hcl:"address,optional"`
	Username *hcl.Attribute `hcl:"username,optional"`
	Password *hcl.Attribute `hcl:"password,optional"`
}

type rawServer struct {
	Range      hcl.Range      `hcl:",def_range"`
	Hostname   *hcl.Attribute `hcl:"hostname,optional"`
	NTP        *hcl.Attribute `hcl:"ntp,optional"`
	DNS        *hcl.Attribute `hcl:"dns,optional"`
	Release    *hcl.Attribute `hcl:"release,optional"`
	Updates    *hcl.Attribute `hcl:"updates,optional"`
	History    *hcl.Attribute `hcl:"history,optional"`
	SSH        *rawSSH        `hcl:"ssh,block"`
	Agents     []rawAgent     `hcl:"agent,block"`
	Interfaces []rawInterface `hcl:"interface,block"`
}

type rawSSH struct {
	Range     hcl.Range      `hcl:",def_range"`
	User      *hcl.Attribute `hcl:"user,optional"`
	Port      *hcl.Attribute `hcl:"port,optional"`
	Identity  *hcl.Attribute `hcl:"identity,optional"`
	HostKey   *hcl.Attribute `hcl:"host_key,optional"`
	Previous  *hcl.Attribute `hcl:"previous_host_key,optional"`
	Authority *hcl.Attribute `hcl:"host_authority,optional"`
	Bootstrap *hcl.Attribute `hcl:"bootstrap,optional"`
	From      *hcl.Attribute `hcl:"from,optional"`
	Keys      *hcl.Attribute `hcl:"keys,optional"`
	Jump      []rawJump      `hcl:"jump,block"`
}

type rawJump struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	User      *hcl.Attribute `hcl:"user,optional"`
	Address   *hcl.Attribute `hcl:"address,optional"`
	Port      *hcl.Attribute `hcl:"port,optional"`
	Identity  *hcl.Attribute `hcl:"identity,optional"`
	HostKey   *hcl.Attribute `hcl:"host_key,optional"`
	Previous  *hcl.Attribute `hcl:"previous_host_key,optional"`
	Authority *hcl.Attribute `hcl:"host_authority,optional"`
}

type rawInterface struct {
	Role      string         `hcl:"role,label"`
	RoleRange hcl.Range      `hcl:"role,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Match     *hcl.Attribute `hcl:"match,optional"`
	Addresses *hcl.Attribute `hcl:"addresses,optional"`
	Gateways  *hcl.Attribute `hcl:"gateways,optional"`
	MTU       *hcl.Attribute `hcl:"mtu,optional"`
	VLAN      *hcl.Attribute `hcl:"vlan,optional"`
}

type rawBGP struct {
	Range     hcl.Range      `hcl:",def_range"`
	ASN       *hcl.Attribute `hcl:"asn,optional"`
	RouterID  *hcl.Attribute `hcl:"router_id,optional"`
	Neighbors []rawNeighbor  `hcl:"neighbor,block"`
}

type rawNeighbor struct {
	Name         string         `hcl:"name,label"`
	NameRange    hcl.Range      `hcl:"name,label_range"`
	Range        hcl.Range      `hcl:",def_range"`
	ASN          *hcl.Attribute `hcl:"asn,optional"`
	Addresses    *hcl.Attribute `hcl:"addresses,optional"`
	Password     *hcl.Attribute `hcl:"password,optional"`
	TTLSecurity  *hcl.Attribute `hcl:"ttl_security,optional"`
	Accept       *hcl.Attribute `hcl:"accept,optional"`
	ReceiveLimit *hcl.Attribute `hcl:"receive_limit,optional"`
	HoldTime     *hcl.Attribute `hcl:"hold_time,optional"`
	Transit      *hcl.Attribute `hcl:"transit,optional"`
	Announce     *hcl.Attribute `hcl:"announce,optional"`
	BFD          *hcl.Attribute `hcl:"bfd,optional"`
	Role         *hcl.Attribute `hcl:"role,optional"`
}

type rawAnycast struct {
	Name        string         `hcl:"name,label"`
	NameRange   hcl.Range      `hcl:"name,label_range"`
	Range       hcl.Range      `hcl:",def_range"`
	Prefixes    *hcl.Attribute `hcl:"prefixes,optional"`
	Addresses   *hcl.Attribute `hcl:"addresses,optional"`
	Origin      *hcl.Attribute `hcl:"origin_asn,optional"`
	ASPath      *hcl.Attribute `hcl:"as_path,optional"`
	Propagation *hcl.Attribute `hcl:"propagation,optional"`
	LocalOnly   *hcl.Attribute `hcl:"local_prefixes,optional"`
	Letter      *hcl.Attribute `hcl:"letter,optional"`
}

type rawDNS struct {
	Range    hcl.Range      `hcl:",def_range"`
	Identity *hcl.Attribute `hcl:"identity,optional"`
	Anchors  *hcl.Attribute `hcl:"trust_anchors,optional"`
	Limit    *rawRateLimit  `hcl:"rate_limit,block"`
	Cookie   *rawCookie     `hcl:"cookie,block"`
	Zones    []rawZone      `hcl:"zone,block"`
	Keys     []rawKey       `hcl:"key,block"`
}

// rawRateLimit is shared by sites and operator profiles.
type rawRateLimit struct {
	Range     hcl.Range      `hcl:",def_range"`
	Responses *hcl.Attribute `hcl:"responses_per_second,optional"`
	Slip      *hcl.Attribute `hcl:"slip,optional"`
	IPv4      *hcl.Attribute `hcl:"ipv4_prefix,optional"`
	IPv6      *hcl.Attribute `hcl:"ipv6_prefix,optional"`
}

type rawCookie struct {
	Range   hcl.Range      `hcl:",def_range"`
	Secret  *hcl.Attribute `hcl:"secret,optional"`
	Staging *hcl.Attribute `hcl:"staging,optional"`
}

type rawZone struct {
	Name            string         `hcl:"name,label"`
	NameRange       hcl.Range      `hcl:"name,label_range"`
	Range           hcl.Range      `hcl:",def_range"`
	Source          *hcl.Attribute `hcl:"source,optional"`
	Primaries       *hcl.Attribute `hcl:"primaries,optional"`
	Key             *hcl.Attribute `hcl:"key,optional"`
	Unverified      *hcl.Attribute `hcl:"unverified,optional"`
	Unauthenticated *hcl.Attribute `hcl:"unauthenticated,optional"`
}

type rawKey struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Algorithm *hcl.Attribute `hcl:"algorithm,optional"`
	Secret    *hcl.Attribute `hcl:"secret,optional"`
}

// rawComponents is shared by sites and operator profiles.
type rawComponents struct {
	Range    hcl.Range      `hcl:",def_range"`
	Network  *hcl.Attribute `hcl:"network,optional"`
	BGP      *hcl.Attribute `hcl:"bgp,optional"`
	DNS      *hcl.Attribute `hcl:"dns,optional"`
	Firewall *hcl.Attribute `hcl:"firewall,optional"`
	Time     *hcl.Attribute `hcl:"time,optional"`
	System   *hcl.Attribute `hcl:"system,optional"`
	Guard    *hcl.Attribute `hcl:"guard,optional"`

	Options []rawPackOptions `hcl:"options,block"`
}

type rawPackOptions struct {
	Kind      string    `hcl:"kind,label"`
	KindRange hcl.Range `hcl:"kind,label_range"`
	Range     hcl.Range `hcl:",def_range"`
	Body      hcl.Body  `hcl:",remain"`
}

type rawOverride struct {
	Rule      string         `hcl:"rule,label"`
	RuleRange hcl.Range      `hcl:"rule,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Reason    *hcl.Attribute `hcl:"reason,optional"`
}

// The raw structs of an operator profile.

type rawProfileFile struct {
	Profiles []rawProfile `hcl:"profile,block"`
}

type rawProfile struct {
	Name       string         `hcl:"name,label"`
	NameRange  hcl.Range      `hcl:"name,label_range"`
	Range      hcl.Range      `hcl:",def_range"`
	Title      *hcl.Attribute `hcl:"title,optional"`
	Rules      []rawRule      `hcl:"rule,block"`
	Hardware   *rawHardware   `hcl:"hardware,block"`
	Expect     *rawExpect     `hcl:"expect,block"`
	Limit      *rawRateLimit  `hcl:"rate_limit,block"`
	Components *rawComponents `hcl:"components,block"`
}

type rawRule struct {
	ID       string         `hcl:"id,label"`
	IDRange  hcl.Range      `hcl:"id,label_range"`
	Range    hcl.Range      `hcl:",def_range"`
	Severity *hcl.Attribute `hcl:"severity,optional"`
	Value    *hcl.Attribute `hcl:"value,optional"`
	Source   *hcl.Attribute `hcl:"source,optional"`
	AsOf     *hcl.Attribute `hcl:"as_of,optional"`
}
