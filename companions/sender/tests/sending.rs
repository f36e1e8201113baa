//! Messages sent to servers that take them, refuse them, and die with them.

mod servers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loan_sender::{Carrier, Message, Outcome, Way, carrier};
use serde_json::json;
use servers::{Memory, Taken, endpoint, relay};
use uuid::Uuid;

const TIME_OUT: Duration = Duration::from_millis(700);

fn message(channel: &str, address: &str) -> Message {
    Message {
        key: Uuid::from_u128(42),
        attempt: 1,
        channel: channel.to_owned(),
        address: address.to_owned(),
        topic: Some("payment_due".to_owned()),
        subject: Some("Zahlung fällig\r\nBcc: everyone@example.org".to_owned()),
        body: "Für Ihr Darlehen sind 100 EUR fällig.\n.\nMit Punkt.".to_owned(),
        details: json!({"amount": "100.00"}),
        legal_entity: "ACME".to_owned(),
    }
}

type Ways = Vec<(&'static str, Box<dyn Carrier>)>;

/// Both ways, and what their servers took.
fn ways() -> (Ways, Arc<Mutex<Vec<Taken>>>) {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let noting = taken.clone();
    let memory = Memory::new(move |one| noting.lock().unwrap().push(one));
    let mail = Way::Smtp {
        smtp: format!("smtp://127.0.0.1:{}", relay(&memory)),
        from: "Acme <no-reply@acme.example>".to_owned(),
    };
    let http = Way::Http {
        http: format!("http://127.0.0.1:{}/messages", endpoint(&memory)),
        headers: [("authorization".to_owned(), "Bearer secret".to_owned())].into(),
    };
    let made = |way| carrier(way, TIME_OUT).unwrap();
    (vec![("smtp", made(&mail)), ("http", made(&http))], taken)
}

#[test]
fn what_is_taken_is_sent_under_its_key() {
    let (ways, taken) = ways();
    for (way, carrier) in ways {
        let outcome = carrier.carry(&message(way, "anna@example.org"));
        assert!(matches!(outcome, Outcome::Sent { reference: Some(_) }), "{way}: {outcome:?}");
        let key = Uuid::from_u128(42).to_string();
        assert_eq!(taken.lock().unwrap().pop(), Some((way, key, "anna@example.org".to_owned())));
    }
}

#[test]
fn who_is_busy_is_served_later() {
    let (ways, _) = ways();
    for (way, carrier) in ways {
        let message = message(way, &format!("busy.{way}@example.org"));
        let outcome = carrier.carry(&message);
        assert!(matches!(outcome, Outcome::Failed { .. }), "{way}: {outcome:?}");
        if let Outcome::Failed { retry_after, .. } = outcome {
            assert_eq!(retry_after, (way == "http").then_some(Duration::from_secs(1)));
        }
        assert!(matches!(carrier.carry(&message), Outcome::Sent { .. }));
    }
}

#[test]
fn what_is_refused_is_not_tried_again() {
    let (ways, taken) = ways();
    for (way, carrier) in ways {
        let outcome = carrier.carry(&message(way, "unknown@example.org"));
        assert!(matches!(outcome, Outcome::Refused { .. }), "{way}: {outcome:?}");
    }
    assert!(taken.lock().unwrap().is_empty());
}

#[test]
fn what_was_taken_without_a_word_is_sent_again_under_the_same_key() {
    let (ways, taken) = ways();
    for (way, carrier) in ways {
        for who in ["lost", "hang"] {
            let message = message(way, &format!("{who}.{way}@example.org"));
            let outcome = carrier.carry(&message);
            assert!(matches!(outcome, Outcome::Failed { .. }), "{way} {who}: {outcome:?}");
            assert!(matches!(carrier.carry(&message), Outcome::Sent { .. }), "{way} {who}");
            let taken: Vec<_> = taken.lock().unwrap().drain(..).collect();
            assert_eq!(taken.len(), 2);
            assert_eq!(taken[0], taken[1]);
        }
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_a_server_that_is_away_waited_for() {
    let (ways, _) = ways();
    let mail = &ways[0].1;
    assert!(matches!(mail.carry(&message("smtp", "no address")), Outcome::Refused { .. }));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for way in [
        Way::Smtp { smtp: format!("smtp://127.0.0.1:{closed}"), from: "a@b.example".to_owned() },
        Way::Http { http: format!("http://127.0.0.1:{closed}"), headers: Default::default() },
    ] {
        let outcome = carrier(&way, TIME_OUT).unwrap().carry(&message("any", "a@b.example"));
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    }
}

#[test]
fn a_heading_adds_no_header() {
    let received = Arc::new(Mutex::new(String::new()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let noting = received.clone();
    let server = std::thread::spawn(move || {
        use std::io::{BufRead, Write};
        let (connection, _) = listener.accept().unwrap();
        let mut out = connection.try_clone().unwrap();
        let mut is_data = false;
        out.write_all(b"220 ready\r\n").unwrap();
        for line in std::io::BufReader::new(connection).lines() {
            let Ok(line) = line else { return };
            let answer: &[u8] = if is_data {
                noting.lock().unwrap().push_str(&format!("{line}\n"));
                if line == "." {
                    is_data = false;
                    b"250 fine\r\n"
                } else {
                    b""
                }
            } else if line == "DATA" {
                is_data = true;
                b"354 go on\r\n"
            } else {
                b"250 fine\r\n"
            };
            if out.write_all(answer).is_err() {
                return;
            }
        }
    });
    let way =
        Way::Smtp { smtp: format!("smtp://127.0.0.1:{port}"), from: "a@b.example".to_owned() };
    let relay = carrier(&way, TIME_OUT).unwrap();
    assert!(matches!(relay.carry(&message("email", "anna@example.org")), Outcome::Sent { .. }));
    drop(relay);
    server.join().unwrap();
    let received = received.lock().unwrap();
    assert!(!received.lines().any(|line| line.starts_with("Bcc:")), "{received}");
    assert!(
        received.contains("Message-ID: <00000000-0000-0000-0000-00000000002a@b.example>"),
        "{received}"
    );
}
