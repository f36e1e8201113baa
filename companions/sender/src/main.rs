//! loan-sender CONFIG [--once]: sends what a book has in its outbox.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use loan_sender::{Config, Round, ServeError, serve};

/// The first wait for a database that is away, and the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, round) = match arguments.as_slice() {
        [path] if !path.starts_with('-') => (path, Round::Always),
        [path, once] | [once, path] if once == "--once" => (path, Round::Once),
        _ => {
            eprintln!("usage: loan-sender CONFIG [--once]");
            return ExitCode::from(2);
        }
    };
    let config = match Config::read(Path::new(path)) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("loan-sender: {error}");
            return ExitCode::from(2);
        }
    };
    let mut wait = SHORTEST_WAIT;
    loop {
        let started = Instant::now();
        match serve(&config, round) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error @ (ServeError::Config(_) | ServeError::Book(_))) => {
                eprintln!("loan-sender: {error}");
                return ExitCode::from(2);
            }
            Err(error) => {
                eprintln!("loan-sender: {error}");
                if round == Round::Once {
                    return ExitCode::FAILURE;
                }
            }
        }
        if started.elapsed() > LONGEST_WAIT {
            wait = SHORTEST_WAIT;
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
