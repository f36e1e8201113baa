//! Runs the servers of the tests until its input ends, and says where they are:
//! `price_server FOLDER` writes the authority's certificate into the folder and prints the ports of
//! the one that is trusted, the one whose certificate has expired, and the one without encryption.

mod server;

use std::io::Read;

use server::{Authority, Shown, serve};

fn main() {
    let folder = std::env::args().nth(1).expect("price_server FOLDER");
    let authority = Authority::new();
    std::fs::write(format!("{folder}/authority.pem"), authority.pem())
        .expect("a folder to write into");
    let ports: Vec<_> = [Shown::Certificate, Shown::ExpiredCertificate, Shown::Nothing]
        .into_iter()
        .map(|shown| serve(&authority, shown, 0).to_string())
        .collect();
    println!("{}", ports.join(" "));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
