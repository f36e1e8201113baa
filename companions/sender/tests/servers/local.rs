//! The servers of the tests, for tests that need them beside a database: prints the ports of the relay and of
//! the endpoint, and appends what is taken to the file named, a line each.

#[path = "mod.rs"]
mod servers;

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Mutex;

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let log = Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap());
    let memory = servers::Memory::new(move |(way, key, to)| {
        writeln!(log.lock().unwrap(), "{way} {key} {to}").unwrap();
    });
    println!("{} {}", servers::relay(&memory), servers::endpoint(&memory));
    loop {
        std::thread::park();
    }
}
