//! A relay and an endpoint on this machine that take messages, and do not, by whom they are for: `busy…`
//! is served at the second attempt, `lost…` is taken the first time but nobody is told, `hang…` is left
//! waiting the first time, `unknown…` is refused. Everyone else is served at once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was taken: by which way, under which key, for whom.
pub type Taken = (&'static str, String, String);

/// What the servers remember.
pub struct Memory {
    met: Mutex<BTreeSet<String>>,
    note: Box<dyn Fn(Taken) + Send + Sync>,
}

impl Memory {
    pub fn new(note: impl Fn(Taken) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { met: Mutex::default(), note: Box::new(note) })
    }

    /// Whether somebody of a kind is met for the first time.
    fn is_first(&self, kind: &str, who: &str) -> bool {
        who.starts_with(kind) && self.met.lock().unwrap().insert(who.to_owned())
    }
}

fn serve(memory: &Arc<Memory>, talk: fn(TcpStream, &Memory) -> std::io::Result<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let memory = memory.clone();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let memory = memory.clone();
            // Who goes away early is no fault of the server's.
            thread::spawn(move || talk(connection, &memory));
        }
    });
    port
}

/// Starts a relay and says its port. It runs until the process ends.
pub fn relay(memory: &Arc<Memory>) -> u16 {
    serve(memory, take_mail)
}

/// Starts an endpoint and says its port.
pub fn endpoint(memory: &Arc<Memory>) -> u16 {
    serve(memory, take_request)
}

fn take_mail(connection: TcpStream, memory: &Memory) -> std::io::Result<()> {
    let mut out = connection.try_clone()?;
    let mut lines = BufReader::new(connection).lines();
    let mut to = String::new();
    out.write_all(b"220 relay ready\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" | "HELO" => "250-relay\r\n250 8BITMIME".to_owned(),
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                if to.starts_with("unknown") {
                    "550 no such mailbox".to_owned()
                } else if memory.is_first("busy", &to) {
                    "451 try again".to_owned()
                } else {
                    "250 fine".to_owned()
                }
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut key = String::new();
                for text in lines.by_ref() {
                    let text = text?;
                    if let Some(name) = text.strip_prefix("Message-ID: <") {
                        key = name.split('@').next().unwrap_or("").to_owned();
                    }
                    if text == "." {
                        break;
                    }
                }
                (memory.note)(("smtp", key, to.clone()));
                if memory.is_first("lost", &to) {
                    return Ok(());
                }
                if memory.is_first("hang", &to) {
                    thread::sleep(Duration::from_secs(30));
                }
                "250 queued".to_owned()
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "MAIL" | "RSET" | "NOOP" => "250 fine".to_owned(),
            _ => "500 what?".to_owned(),
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

fn take_request(connection: TcpStream, memory: &Memory) -> std::io::Result<()> {
    let mut out = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    loop {
        let (mut key, mut length, mut line) = (String::new(), 0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(": ").unwrap_or((text, ""));
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => key = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let to = said["to"].as_str().unwrap().to_owned();
        let (status, answer) = if to.starts_with("unknown") {
            ("400 Bad Request", "no such number")
        } else if memory.is_first("busy", &to) {
            ("503 Service Unavailable\r\nretry-after: 1", "busy")
        } else {
            (memory.note)(("http", key, to.clone()));
            if memory.is_first("lost", &to) {
                return Ok(());
            }
            if memory.is_first("hang", &to) {
                thread::sleep(Duration::from_secs(30));
            }
            ("202 Accepted", r#"{"id": "M-1"}"#)
        };
        let length = answer.len();
        out.write_all(
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{answer}").as_bytes(),
        )?;
    }
}
