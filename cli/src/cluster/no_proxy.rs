//! NO_PROXY, by the rules of Go's programs, such as kubectl: the hosts that no proxy of the environment leads to.

use std::{env, net::IpAddr};

/// Whether the environment's proxies are not for this host.
pub(super) fn excepts(host: &str) -> bool {
    let named = |name| env::var(name).ok().filter(|text: &String| !text.is_empty());
    let list = named("NO_PROXY").or_else(|| named("no_proxy"));
    is_in(host, &list.unwrap_or_default())
}

/// Whether a host is in a list of names, which stand for what is below them as well, addresses and networks.
fn is_in(host: &str, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let entries = list
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        match address {
            Some(address) => is_in_network(address, &entry),
            None => {
                let name = entry.trim_start_matches('*').trim_start_matches('.');
                let name = name.split(':').next().unwrap_or_default();
                let is_below = host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'));
                is_below || (host == name && !entry.starts_with(['.', '*']))
            }
        }
    })
}

/// Whether an address is the one named, or in the network named, as in `10.0.0.0/8`.
fn is_in_network(address: IpAddr, entry: &str) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => (network, length.parse().ok()),
        None => (entry, Some(u32::MAX)),
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (Ok(network), Some(length)) = (network.parse::<IpAddr>(), length) else {
        return false;
    };
    if network.is_ipv4() != address.is_ipv4() {
        return false;
    }
    let (one, size) = bits(address);
    let (other, _) = bits(network);
    let length = length.min(size);
    length == 0 || (one ^ other) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_what_is_below_them() {
        let list = "corp.example, .internal,10.0.0.0/8,192.168.1.7,fd00::/8";
        for host in [
            "corp.example",
            "api.corp.example",
            "API.INTERNAL",
            "10.99.0.1",
            "192.168.1.7",
            "[fd00::1]",
        ] {
            assert!(is_in(host, list), "{host}");
        }
        for host in [
            "mycorp.example",
            "internal",
            "11.0.0.1",
            "192.168.1.70",
            "192.168.1.8",
            "fe80::1",
            "example",
        ] {
            assert!(!is_in(host, list), "{host}");
        }
        assert!(is_in("anything", "*") && is_in("1.2.3.4", "0.0.0.0/0") && !is_in("anything", ""));
    }
}
