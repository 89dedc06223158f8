#!/usr/bin/perl
# Asks DNS questions from this very server. It changes nothing, and needs
# nothing but perl-base, which every Debian has.
#
#	ask SECONDS <QUESTIONS
#
# A question is a line: NUMBER udp|tcp SOURCE|- ADDRESS@PORT MESSAGE, and what
# follows is for people. The message is in hexadecimal digits, so that no byte
# of it means anything to a shell or a line. All are asked at once. For each a
# line comes back: "NUMBER MESSAGE", or "NUMBER !WHY-NOT". With a source the
# address has to be on this server: otherwise another copy might answer.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();
use Socket qw(AF_INET AF_INET6 SOCK_DGRAM SOCK_STREAM inet_pton pack_sockaddr_in pack_sockaddr_in6);

# What is lost on the way is asked again, as every resolver does; and no more
# is under way on one socket than its buffer holds.
my ($tries, $tried, $window) = (4, 0, 32);

# Seconds of a clock that nobody sets.
sub now { return (POSIX::times())[0] / POSIX::sysconf(POSIX::_SC_CLK_TCK()) }

sub word {
	my $why = lc "$_[0]";
	$why =~ s/[^a-z0-9]+/-/g;
	return "!$why";
}

sub place {
	my ($family, $address, $port) = @_;
	my $raw = inet_pton($family, $address) // return;
	return $family == AF_INET ? pack_sockaddr_in($port, $raw) : pack_sockaddr_in6($port, $raw);
}

# connected returns a socket that takes nothing from anywhere else than where
# it asks, or why there is none.
sub connected {
	my ($network, $source, $to) = @_;
	my ($address, $port) = split /@/, $to;
	my $family = $address =~ /:/ ? AF_INET6 : AF_INET;
	my $there = place($family, $address, $port) // return (undef, '!no-address');
	socket(my $s, $family, $network eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) or return (undef, word($!));
	if ($source ne '-') {
		my $from = place($family, $source, 0) // return (undef, '!no-source');
		socket(my $here, $family, SOCK_DGRAM, 0) or return (undef, word($!));
		bind($here, place($family, $address, 0)) or return (undef, '!not-on-this-server');
		bind($s, $from) or return (undef, word($!));
	}
	fcntl($s, F_SETFL, fcntl($s, F_GETFL, 0) | O_NONBLOCK) or return (undef, word($!));
	connect($s, $there) or $!{EINPROGRESS} or return (undef, word($!));
	return ($s, undef);
}

# A channel is a socket with the questions that go over it, by identifier:
# that is how an answer finds its own (RFC 7766 section 7).
my (%channel, @channels);

sub open_channel {
	my ($c) = @_;
	($c->{socket}, $c->{why}) = connected(@{ $c->{way} });
	($c->{in}, $c->{heard}) = ('', 0);
}

sub channel_for {
	my ($network, $source, $to, $id) = @_;
	for (my $i = 0;; $i++) {
		my $key = "$network $source $to $i";
		if (!$channel{$key}) {
			push @channels, $channel{$key} = { way => [$network, $source, $to], udp => $network eq 'udp', asked => {}, out => '' };
			open_channel($channel{$key});
		}
		return $channel{$key} unless $channel{$key}{asked}{$id};
	}
}

sub answer {
	my ($c, $id, $text) = @_;
	my $q = delete $c->{asked}{$id} or return;
	$c->{heard}++;
	print "$q->{number} $text\n";
}

sub queue {
	my ($c, $message) = @_;
	$c->{out} .= pack('n', length $message) . $message unless $c->{udp};
}

sub give_up {
	my ($c, $why) = @_;
	answer($c, $_, $why) for sort { $a <=> $b } keys %{ $c->{asked} };
	close $c->{socket} if $c->{socket};
}

sub heard {
	my ($c, $message) = @_;
	answer($c, unpack('n', $message), unpack('H*', $message)) if length $message >= 2;
}

sub send_udp {
	my ($c) = @_;
	my @under_way = grep { $_->{tried} == $tried } values %{ $c->{asked} };
	my @next = sort { $a->{tried} <=> $b->{tried} || $a->{number} <=> $b->{number} } grep { $_->{tried} < $tried } values %{ $c->{asked} };
	for my $q (splice @next, 0, $window - @under_way) {
		$q->{tried} = $tried;
		next if defined send($c->{socket}, $q->{message}, 0) || $!{EAGAIN} || $!{EINTR};
		return give_up($c, word($!));
	}
}

# A server may answer some and close, which may throw away what is under way:
# the others are asked anew (RFC 7766 section 6.2.4).
sub closed {
	my ($c, $why) = @_;
	return give_up($c, $why) unless $c->{heard};
	close $c->{socket};
	$c->{out} = '';
	queue($c, $_->{message}) for sort { $a->{number} <=> $b->{number} } values %{ $c->{asked} };
	open_channel($c);
	$c->{socket} or give_up($c, $c->{why});
}

sub write_tcp {
	my ($c) = @_;
	my $n = syswrite($c->{socket}, $c->{out});
	return $!{EAGAIN} || $!{EINTR} || closed($c, word($!)) unless defined $n;
	substr($c->{out}, 0, $n) = '';
}

sub read_udp {
	my ($c) = @_;
	while (%{ $c->{asked} }) {
		if (!defined recv($c->{socket}, my $message, 65535, 0)) {
			return $!{EAGAIN} || $!{EINTR} ? send_udp($c) : give_up($c, word($!));
		} else {
			heard($c, $message);
		}
	}
}

sub read_tcp {
	my ($c) = @_;
	my $n = sysread($c->{socket}, $c->{in}, 65537, length $c->{in});
	return $!{EAGAIN} || $!{EINTR} || closed($c, word($!)) unless defined $n;
	return closed($c, '!closed') if $n == 0;
	while (length $c->{in} >= 2 && length $c->{in} >= 2 + unpack('n', $c->{in})) {
		heard($c, substr($c->{in}, 2, unpack('n', $c->{in})));
		substr($c->{in}, 0, 2 + unpack('n', $c->{in})) = '';
	}
}

sub read_questions {
	while (my $line = <STDIN>) {
		my ($number, $network, $source, $to, $hex) = split ' ', $line;
		defined $hex && $number =~ /^[0-9]{1,9}$/ && $network =~ /^(udp|tcp)$/ && $to =~ /^[0-9a-fA-F:.]+@[0-9]{1,5}$/
			&& $hex =~ /^[0-9a-f]+$/ && length($hex) % 2 == 0 && length $hex >= 24 && length $hex <= 2 * 65535
			or die "ask: not a question: line $.\n";
		my $message = pack('H*', $hex);
		my $id = unpack('n', $message);
		my $c = channel_for($network, $source, $to, $id);
		$c->{asked}{$id} = { number => $number, message => $message, tried => 0 };
		queue($c, $message);
	}
}

sub wait_for_some {
	my ($seconds, @waiting) = @_;
	my ($readable, $writable) = ('', '');
	for my $c (@waiting) {
		vec($readable, fileno $c->{socket}, 1) = 1;
		vec($writable, fileno $c->{socket}, 1) = 1 if !$c->{udp} && length $c->{out};
	}
	return if select($readable, $writable, undef, $seconds) <= 0;
	for my $c (@waiting) {
		my $fd = fileno $c->{socket};
		# What is readable first: an answer may stand before an end.
		if (vec($readable, $fd, 1)) { $c->{udp} ? read_udp($c) : read_tcp($c) }
		elsif (vec($writable, $fd, 1)) { write_tcp($c) }
	}
}

$SIG{PIPE} = 'IGNORE';
binmode $_ for *STDIN, *STDOUT;
my $seconds = shift // '';
$seconds =~ /^[1-9][0-9]?$/ or die "ask: give the seconds to wait for answers\n";
read_questions();
$_->{socket} or give_up($_, $_->{why}) for @channels;
my $start = now();
while (my @waiting = grep { %{ $_->{asked} } } @channels) {
	my $gone = now() - $start;
	last if $gone >= $seconds;
	if ($gone >= $tried * $seconds / $tries) {
		$tried++;
		$_->{udp} && send_udp($_) for @waiting;
		next;
	}
	my $next = $tried * $seconds / $tries - $gone;
	wait_for_some($next > 0.01 ? $next : 0.01, @waiting);
}
give_up($_, '!no-answer') for @channels;
close STDOUT or die "ask: $!\n";
