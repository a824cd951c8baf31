//! A hub on this machine, as far as the tests need one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

/// The commit that every revision is at, until a test says otherwise.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub range: Option<String>,
    pub authorization: Option<String>,
}

/// What the server has and how it misbehaves.
#[derive(Default)]
pub struct State {
    pub commit: String,
    pub files: BTreeMap<String, Vec<u8>>,
    /// Only this token may read.
    pub token: Option<String>,
    /// Status and `x-error-code` of every answer.
    pub refuse: Option<(u16, &'static str)>,
    /// How many requests are answered with 503 first.
    pub busy: usize,
    /// After how many bytes each body breaks off, for so many bodies.
    pub cut: Option<(usize, usize)>,
    /// Bytes are sent with the first one changed.
    pub corrupt: bool,
    /// Answers without the length of a file, and ignores ranges.
    pub primitive: bool,
    /// Where the bytes of files are, if on another host.
    pub store: Option<String>,
    pub seen: Vec<Seen>,
}

/// A server that runs until the process ends.
pub struct Server {
    pub url: String,
    pub state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start(files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        let state = State { commit: COMMIT.into(), files: files.collect(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { url, state }
    }

    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// The requests since the last call.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

/// An answer: status line, headers, body, and after how many bytes of it to hang up.
struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    cut: Option<usize>,
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(seen) = read_request(&stream) else { return };
    let is_head = seen.method == "HEAD";
    let answer = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        answer(&mut state, &seen)
    };
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    answer.headers.iter().for_each(|header| head += &format!("{header}\r\n"));
    head += "\r\n";
    let body = &answer.body[..answer.cut.unwrap_or(answer.body.len()).min(answer.body.len())];
    let body = if is_head { &[][..] } else { body };
    // A client that hangs up is part of some tests.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn read_request(stream: &TcpStream) -> Option<Seen> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut seen = Seen { method, path, range: None, authorization: None };
    for line in lines {
        let line = line.ok()?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                seen.range = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                seen.authorization = Some(value.to_owned());
            }
            Some(_) => {}
            None => break,
        }
    }
    Some(seen)
}

fn plain(status: u16, headers: Vec<String>) -> Answer {
    let headers = headers.into_iter().chain(["content-length: 0".to_owned()]).collect();
    Answer { status, headers, body: Vec::new(), cut: None }
}

fn answer(state: &mut State, seen: &Seen) -> Answer {
    if let Some((status, code)) = state.refuse {
        return plain(status, vec![format!("x-error-code: {code}")]);
    }
    if state.busy > 0 {
        state.busy -= 1;
        return plain(503, Vec::new());
    }
    let token = state.token.as_ref().map(|token| format!("Bearer {token}"));
    if token.is_some() && seen.authorization != token {
        return plain(401, Vec::new());
    }
    if seen.path.starts_with("/api/models/") {
        return listing(state);
    }
    let name = seen.path.split_once("/resolve/").and_then(|(_, rest)| rest.split_once('/'));
    match name.and_then(|(_, name)| state.files.get(name).cloned()) {
        Some(bytes) => file(state, seen, bytes),
        None => plain(404, vec!["x-error-code: EntryNotFound".to_owned()]),
    }
}

fn listing(state: &State) -> Answer {
    let files = state.files.keys().map(|name| serde_json::json!({ "rfilename": name }));
    let files: Vec<_> = files.collect();
    let body = serde_json::json!({ "id": "a/b", "sha": state.commit, "siblings": files });
    let body = body.to_string().into_bytes();
    let headers = vec![format!("content-length: {}", body.len())];
    Answer { status: 200, headers, body, cut: None }
}

/// The hexadecimal SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Weights are served as the hub serves large files, the rest as it serves small ones.
fn file(state: &mut State, seen: &Seen, mut bytes: Vec<u8>) -> Answer {
    let is_large = !seen.path.ends_with(".json");
    let etag = if is_large { sha256(&bytes) } else { format!("{:040x}", bytes.len()) };
    let size = bytes.len();
    let mut headers = vec![format!("x-repo-commit: {}", state.commit)];
    if let Some(store) = state.store.as_ref().filter(|_| is_large) {
        headers.push(format!("x-linked-etag: \"{etag}\""));
        headers.push(format!("x-linked-size: {size}"));
        headers.push(format!("location: {store}{}", seen.path));
        return plain(302, headers);
    }
    headers.push(format!("etag: \"{etag}\""));
    if state.corrupt {
        bytes[0] ^= 1;
    }
    if state.primitive {
        headers.push("transfer-encoding: chunked".to_owned());
        let body = [format!("{size:x}\r\n").as_bytes(), &bytes, b"\r\n0\r\n\r\n"].concat();
        return Answer { status: 200, headers, body, cut: None };
    }
    let start = seen.range.as_deref().map_or(0, |range| {
        range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
    });
    let body = bytes.split_off(start.min(size));
    headers.push(format!("content-length: {}", body.len()));
    let status = match seen.range {
        Some(_) if start >= size => return plain(416, Vec::new()),
        Some(_) => {
            headers.push(format!("content-range: bytes {start}-{}/{size}", size - 1));
            206
        }
        None => 200,
    };
    let is_body = seen.method == "GET" && is_large;
    let cut = state.cut.as_mut().filter(|(_, times)| is_body && *times > 0).map(|(at, times)| {
        *times -= 1;
        *at
    });
    Answer { status, headers, body, cut }
}
