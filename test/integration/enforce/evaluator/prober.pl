# Sends packets as it is told on standard input, one order a line, and says "done" at each "sync". It never waits for an answer:
# what became of a packet is seen in the host's nftables.
use strict;
use warnings;
use Socket qw(:all);
use Fcntl;
use Errno qw(EINPROGRESS);

$| = 1;
my (%open, @listening, @accepted);

sub name_of {
    my ($address, $port) = @_;
    return $address =~ /:/
        ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address))
        : pack_sockaddr_in($port, inet_pton(AF_INET, $address));
}

sub family_of { return $_[0] =~ /:/ ? AF_INET6 : AF_INET }

sub made {
    my ($family, $type, $protocol) = @_;
    socket(my $socket, $family, $type, $protocol) or die "socket: $!";
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($socket, 41, 26, 1) if $family == AF_INET6 && $type != SOCK_RAW; # IPV6_V6ONLY
    fcntl($socket, F_SETFL, O_NONBLOCK);
    return $socket;
}

sub at_once { # closing resets
    setsockopt($_[0], SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    close($_[0]);
}

my %orders = (
    listen => sub {
        my ($protocol, $port) = @_;
        for my $any ('0.0.0.0', '::') {
            my $socket = made(family_of($any), $protocol eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0);
            bind($socket, name_of($any, $port)) or die "bind: $!";
            listen($socket, 1000) if $protocol eq 'tcp';
            push @listening, [$protocol, $socket];
        }
    },
    tcp => sub {
        my ($source, $from, $destination, $to) = @_;
        my $socket = made(family_of($source), SOCK_STREAM, 0);
        bind($socket, name_of($source, $from)) or die "bind $source $from: $!";
        connect($socket, name_of($destination, $to));
        $open{$from} = $socket;
    },
    udp => sub {
        my ($source, $from, $destination, $to) = @_;
        my $socket = made(family_of($source), SOCK_DGRAM, 0);
        bind($socket, name_of($source, $from)) or die "bind $source $from: $!";
        send($socket, 'x', 0, name_of($destination, $to));
        close($socket);
    },
    raw => sub {
        my ($source, $protocol, $destination, $hex) = @_;
        my $socket = made(family_of($source), SOCK_RAW, $protocol);
        bind($socket, name_of($source, 0)) or die "bind $source: $!";
        send($socket, pack('H*', $hex), 0, name_of($destination, 0));
        close($socket);
    },
    say => sub { # on a connection made before, by its own port
        my ($from) = @_;
        syswrite($open{$from}, 'x') if $open{$from};
    },
    close => sub {
        my ($from) = @_;
        at_once(delete $open{$from}) if $open{$from};
    },
    sync => sub {
        for (@listening) {
            my ($protocol, $socket) = @$_;
            if ($protocol eq 'tcp') {
                while (accept(my $peer, $socket)) { push @accepted, $peer }
            } else {
                1 while defined recv($socket, my $datagram, 64, 0);
            }
        }
        close(shift @accepted) while @accepted > 500;
        print "done\n";
    },
);

while (my $line = <STDIN>) {
    my ($order, @words) = split ' ', $line;
    $orders{$order}->(@words);
}
