//! A server on this machine that answers well and badly, with and without encryption.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How a server shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not at all: without encryption.
    Nothing,
    /// By a certificate that holds.
    Certificate,
    /// By one that held until 2001.
    ExpiredCertificate,
    /// By one of another host.
    CertificateOfAnother,
}

/// An authority that vouches for servers.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, for those who trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    fn settings(&self, shown: Shown) -> Option<Arc<ServerConfig>> {
        let name = if shown == Shown::CertificateOfAnother { "other.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        match shown {
            Shown::Nothing => return None,
            Shown::ExpiredCertificate => {
                params.not_before = date_time_ymd(2000, 1, 1);
                params.not_after = date_time_ymd(2001, 1, 1);
            }
            Shown::Certificate | Shown::CertificateOfAnother => {}
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Some(Arc::new(settings))
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Starts a server and says its port. It runs until the process ends.
pub fn serve(authority: &Authority, shown: Shown, port: u16) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = authority.settings(shown);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let settings = settings.clone();
            thread::spawn(move || answer(connection, settings));
        }
    });
    port
}

/// A port at which nobody listens.
#[allow(dead_code)]
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whoever goes away early is no fault of the server's.
fn answer(connection: TcpStream, settings: Option<Arc<ServerConfig>>) {
    connection.set_nodelay(true).unwrap();
    let mut stream: Box<dyn Stream> = match settings {
        Some(settings) => {
            Box::new(StreamOwned::new(ServerConnection::new(settings).unwrap(), connection))
        }
        None => Box::new(connection),
    };
    let mut lines = Vec::new();
    for line in BufReader::new(&mut stream).lines() {
        match line {
            Ok(line) if line.is_empty() => break,
            Ok(line) => lines.push(line),
            Err(_) => {
                lines.clear();
                break;
            }
        }
    }
    if lines.is_empty() {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        return;
    }
    let target = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("/").to_owned();
    let _ = say(&mut *stream, &target, &lines);
}

fn whole(kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Prices of three metals, in the two ways they are often given.
const JSON: &str = r#"{"source":"desk","prices":[
{"symbol":"XAU","at":"2024-03-01T10:00:00Z","bid":2040.10,"ask":2041.30,"currency":"USD"},
{"symbol":"XAG","at":"2024-03-01T10:00:00Z","bid":22.61,"ask":22.65,"currency":"USD"},
{"symbol":"XPT","at":"2024-03-01T10:00:00Z","bid":"n/a","ask":880.00,"currency":"USD"}]}"#;
const CSV: &str =
    "symbol;at;price;currency\nXAU;1709287200;2040,70;USD\nXAG;1709287200;22,63;USD\n";

fn say(stream: &mut dyn Stream, target: &str, lines: &[String]) -> std::io::Result<()> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = match path {
        "/prices.json" => whole("application/json", JSON),
        "/prices.csv" => whole("text/csv", CSV),
        "/page" => whole("text/html", "<html>maintenance</html>"),
        "/echo" => whole("text/plain", &lines.join("\n")),
        "/empty" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "/broken" => {
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops".to_owned()
        }
        "/busy" => "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
            .to_owned(),
        "/noise" => "\u{1}\u{2} this is not HTTP\r\n\r\n".to_owned(),
        "/truncated" => "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf".to_owned(),
        "/cut-chunk" => {
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_owned()
        }
        "/endless" => {
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nwho knows whether this is all".to_owned()
        }
        "/compressed" => {
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx".to_owned()
        }
        "/long-header" => format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(200_000)),
        "/to" => format!("HTTP/1.1 302 Found\r\nlocation: {query}\r\ncontent-length: 0\r\n\r\n"),
        "/circle" => {
            "HTTP/1.1 301 Moved\r\nlocation: /circle\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        "/nowhere" => "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        "/slow" => {
            thread::sleep(Duration::from_secs(60));
            whole("text/plain", "late")
        }
        "/drip" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
            return pour(stream, "x", Duration::from_millis(50));
        }
        "/huge" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n")?;
            return pour(stream, &"x".repeat(65_536), Duration::ZERO);
        }
        "/huge-chunked" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(65_536));
            return pour(stream, &chunk, Duration::ZERO);
        }
        _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Writes the same until nobody reads it.
fn pour(stream: &mut dyn Stream, text: &str, pause: Duration) -> std::io::Result<()> {
    loop {
        stream.write_all(text.as_bytes())?;
        stream.flush()?;
        thread::sleep(pause);
    }
}
