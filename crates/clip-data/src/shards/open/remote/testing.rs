//! A web server on this machine that answers as badly as real ones do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a client asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub path: String,
    pub range: Option<String>,
    if_match: Option<String>,
}

/// How a request is answered; well unless changed.
#[derive(Clone)]
pub struct Answer {
    pub object: Arc<Vec<u8>>,
    pub tag: Option<&'static str>,
    /// Answers with this status alone instead.
    pub status: Option<&'static str>,
    /// Whether parts may be asked for.
    pub ranges: bool,
    /// Whether a part is refused when the object has another tag.
    pub checks_tag: bool,
    /// Ends after this byte of the object.
    pub cut: usize,
    /// Is silent then rather than hanging up.
    pub stalls: bool,
    /// Sends so many bytes at a time, with pauses.
    pub piece: usize,
    /// What happens after the first piece.
    pub midway: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Answer {
    pub fn with(object: &[u8]) -> Self {
        Self {
            object: Arc::new(object.to_vec()),
            tag: Some("\"first\""),
            status: None,
            ranges: true,
            checks_tag: true,
            cut: usize::MAX,
            stalls: false,
            piece: usize::MAX,
            midway: None,
        }
    }

    pub fn status(status: &'static str) -> Self {
        Self { status: Some(status), ..Self::with(b"a page about it") }
    }

    fn send(&self, request: &Request, mut stream: TcpStream) -> std::io::Result<()> {
        let size = self.object.len();
        let gives_part = self.ranges && self.status.is_none();
        let start = request.range.as_deref().filter(|_| gives_part).map(|range| {
            let start = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
            start.unwrap().parse::<usize>().unwrap()
        });
        let is_other = request.if_match.as_deref().is_some_and(|tag| Some(tag) != self.tag);
        let status = match (self.status, start) {
            (Some(status), _) => status,
            _ if self.checks_tag && is_other => "412 Precondition Failed",
            (None, None) => "200 OK",
            (None, Some(_)) => "206 Partial Content",
        };
        let start = start.unwrap_or(0);
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
        head += &format!("content-length: {}\r\n", size - start);
        head += &format!("content-range: bytes {start}-{}/{size}\r\n", size - 1);
        head += &self.tag.map(|tag| format!("etag: {tag}\r\n")).unwrap_or_default();
        head += "last-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        let end = self.cut.min(size);
        for piece in self.object[start.min(end)..end].chunks(self.piece) {
            stream.write_all(piece)?;
            if self.piece < size {
                thread::sleep(Duration::from_millis(1));
            }
            self.midway.iter().for_each(|midway| midway());
        }
        if self.stalls {
            // Until the client hangs up.
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}

/// A server until the process ends.
pub struct Server {
    origin: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request by its number and what it asks for.
    pub fn start(answer: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let request = read_request(&stream);
                let number = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request.clone());
                let answer = answer(number, &request);
                // A client that hangs up is none of the server's business.
                thread::spawn(move || answer.send(&request, stream));
            }
        });
        Self { origin, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.origin)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Where each request wants to begin.
    pub fn ranges(&self) -> Vec<Option<String>> {
        self.requests().into_iter().map(|request| request.range).collect()
    }
}

fn read_request(stream: &TcpStream) -> Request {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap());
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut request = Request { path, ..Request::default() };
    for header in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        match name.to_ascii_lowercase().as_str() {
            "range" => request.range = Some(value.to_owned()),
            "if-match" => request.if_match = Some(value.to_owned()),
            _ => {}
        }
    }
    request
}
