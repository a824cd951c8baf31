//! The few things that are done with addresses.

use ureq::http::Uri;

use super::ModelId;

/// Scheme, host and port: what a token is bound to.
pub(super) type Origin = (String, String, u16);

/// The origin of an `http` or `https` address.
pub(super) fn origin(url: &str) -> Option<Origin> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(default_port)))
}

/// Whether the address is one of this machine.
pub(super) fn is_local(url: &str) -> bool {
    let Some((_, host, _)) = origin(url) else { return false };
    let number = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || number.is_ok_and(|address| address.is_loopback())
}

/// The address that a `Location` header names, seen from `base`.
pub(super) fn join(base: &str, location: &str) -> Option<String> {
    if origin(location).is_some() {
        return Some(location.to_owned());
    }
    let uri: Uri = base.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if let Some(rest) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{rest}"));
    }
    if location.contains("://") {
        return None;
    }
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{scheme}://{authority}{folder}/{location}"))
}

/// The address that lists the files of a model.
pub(super) fn listing(endpoint: &str, id: &ModelId) -> String {
    format!("{endpoint}/api/models/{}/revision/{}", id.name(), encode(id.revision(), ""))
}

/// The address of one file at one commit.
pub(super) fn file(endpoint: &str, id: &ModelId, commit: &str, file: &str) -> String {
    format!("{endpoint}/{}/resolve/{commit}/{}", id.name(), encode(file, "/"))
}

/// Percent-encodes what has a meaning in an address, except the characters in `keep`.
fn encode(text: &str, keep: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        match c.is_ascii_alphanumeric() || "-._~".contains(c) || keep.contains(c) {
            true => encoded.push(c),
            false => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_seen_from_where_they_were_given() {
        let base = "https://hub.example/a/b?c=d";
        let joined = |location| join(base, location).unwrap();
        assert_eq!(joined("http://other/x"), "http://other/x");
        assert_eq!(joined("//other/x"), "https://other/x");
        assert_eq!(joined("/x?y=z"), "https://hub.example/x?y=z");
        assert_eq!(joined("x"), "https://hub.example/a/x");
        assert_eq!(join(base, "file:///etc/passwd"), None);
    }

    #[test]
    fn origins_are_not_fooled_by_users_or_capitals() {
        let hub = origin("https://hub.example").unwrap();
        assert_eq!(origin("HTTPS://HUB.example:443/x").unwrap(), hub);
        for other in ["http://hub.example", "https://hub.example:8443", "https://hub.example@evil"]
        {
            assert_ne!(origin(other).unwrap(), hub, "{other}");
        }
        assert!(is_local("http://127.0.0.1:80/x") && is_local("http://[::1]/"));
        assert!(!is_local("https://hub.example"));
    }

    #[test]
    fn names_are_encoded() {
        let id: ModelId = "a/b@refs/pr/1".parse().unwrap();
        assert_eq!(listing("http://h", &id), "http://h/api/models/a/b/revision/refs%2Fpr%2F1");
        assert_eq!(
            file("http://h", &id, "c0", "d/e f#.pt"),
            "http://h/a/b/resolve/c0/d/e%20f%23.pt"
        );
    }
}
