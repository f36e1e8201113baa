//! Fetches from servers that answer well and badly.

mod server;

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use loan_engine::domain::error::Refusal;
use loan_engine::net::{Answer, Credential, Errand, Failure, Policy, Request, Roots};
use server::{Authority, Shown, closed_port, serve};

/// The servers, and the folder with the authority's certificate and the credentials.
struct Hosts {
    trusted: u16,
    expired: u16,
    another: u16,
    plain: u16,
    closed: u16,
    folder: PathBuf,
}

fn hosts() -> &'static Hosts {
    static HOSTS: OnceLock<Hosts> = OnceLock::new();
    HOSTS.get_or_init(|| {
        let authority = Authority::new();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fetch");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
        let serve = |shown| serve(&authority, shown, 0);
        let hosts = Hosts {
            trusted: serve(Shown::Certificate),
            expired: serve(Shown::ExpiredCertificate),
            another: serve(Shown::CertificateOfAnother),
            plain: serve(Shown::Nothing),
            closed: closed_port(),
            folder,
        };
        let key =
            format!("host: localhost:{}\nx-api-key: secret-a\n?key=secret-b\n", hosts.trusted);
        std::fs::write(hosts.folder.join("desk"), key).unwrap();
        hosts
    })
}

impl Hosts {
    /// All servers but the one without encryption, which is listed only where a test says so.
    fn allowed(&self) -> String {
        [self.trusted, self.expired, self.another, self.closed]
            .map(|port| format!("localhost:{port}"))
            .join(",")
    }

    fn policy(&self, hosts: &str, networks: &str) -> Policy {
        Policy::new(hosts, networks, Roots::File(self.folder.join("authority.pem"))).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.trusted)
    }
}

fn request(url: &str, seconds: i32, most_bytes: i32) -> Request {
    Request::new(url, [("accept", "*/*"), ("x-note", "mine")], seconds, most_bytes).unwrap()
}

fn fetch_with(policy: Policy, request: Request) -> Result<Answer, Failure> {
    Errand::send(request, policy)?.result()
}

fn fetch(url: &str) -> Result<Answer, Failure> {
    let hosts = hosts();
    fetch_with(hosts.policy(&hosts.allowed(), "127.0.0.0/8"), request(url, 10, 1_000_000))
}

/// The code of a failure, which must say what it is about and what to do.
fn code(result: Result<Answer, Failure>) -> &'static str {
    let failure = result.expect_err("a failure");
    assert!(failure.detail().is_some() && failure.hint().is_some());
    failure.code()
}

#[test]
fn a_good_answer_is_whole() {
    let answer = fetch(&hosts().url("/prices.json")).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert!(answer.body.starts_with(b"{\"source\"") && answer.body.ends_with(b"}]}"));
    let empty = fetch(&hosts().url("/empty")).unwrap();
    assert_eq!((empty.status, empty.body.len()), (204, 0));
}

#[test]
fn what_a_host_refuses_is_told_by_its_status() {
    assert_eq!(fetch(&hosts().url("/broken")).unwrap().status, 500);
    assert_eq!(fetch(&hosts().url("/missing")).unwrap().status, 404);
    let busy = fetch(&hosts().url("/busy")).unwrap();
    assert_eq!((busy.status, busy.retry_after_seconds), (429, Some(7)));
}

#[test]
fn a_time_out_holds_to_within_a_second() {
    for path in ["/slow", "/drip"] {
        let hosts = hosts();
        let started = Instant::now();
        let policy = hosts.policy(&hosts.allowed(), "127.0.0.0/8");
        let result = fetch_with(policy, request(&hosts.url(path), 2, 1_000_000));
        let took = started.elapsed();
        assert_eq!(code(result), "LN304", "{path}");
        assert!(
            took > Duration::from_millis(1900) && took < Duration::from_secs(3),
            "{path}: {took:?}"
        );
    }
}

#[test]
fn an_errand_that_is_given_up_ends_at_once() {
    let hosts = hosts();
    let policy = hosts.policy(&hosts.allowed(), "127.0.0.0/8");
    let errand = Errand::send(request(&hosts.url("/slow"), 60, 1000), policy).unwrap();
    // The thread holds the other end of what rings, so that its end is seen here.
    let mut bell = UnixStream::from(errand.bell().try_clone_to_owned().unwrap());
    bell.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(bell.read(&mut [0]).is_err(), "the errand runs");
    let started = Instant::now();
    drop(errand);
    assert!(started.elapsed() < Duration::from_millis(100));
    bell.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(bell.read(&mut [0]).unwrap(), 0);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn too_much_is_cut_off_at_the_limit() {
    for path in ["/huge", "/huge-chunked"] {
        let started = Instant::now();
        assert_eq!(code(fetch(&hosts().url(path))), "LN305", "{path}");
        assert!(started.elapsed() < Duration::from_secs(5), "{path}");
    }
    let hosts = hosts();
    let exactly = fetch(&hosts.url("/page")).unwrap().body.len() as i32;
    for (most, fits) in [(exactly, true), (exactly - 1, false)] {
        let policy = hosts.policy(&hosts.allowed(), "127.0.0.0/8");
        assert_eq!(fetch_with(policy, request(&hosts.url("/page"), 10, most)).is_ok(), fits);
    }
}

#[test]
fn half_an_answer_is_none() {
    for (path, expected) in [
        ("/truncated", "LN302"),
        ("/cut-chunk", "LN302"),
        ("/endless", "LN307"),
        ("/compressed", "LN307"),
        ("/noise", "LN307"),
        ("/long-header", "LN307"),
    ] {
        assert_eq!(code(fetch(&hosts().url(path))), expected, "{path}");
    }
}

#[test]
fn redirections_lead_to_allowed_hosts_only() {
    let hosts = hosts();
    let to = |to: &str| hosts.url(&format!("/to?{to}"));
    assert_eq!(fetch(&to("/page")).unwrap().status, 200);
    assert_eq!(fetch(&to(&hosts.url("/page"))).unwrap().status, 200);
    assert_eq!(fetch(&to(&to("/page"))).unwrap().status, 200);
    assert_eq!(code(fetch(&to("https://elsewhere.example/"))), "LN301");
    assert_eq!(code(fetch(&to(&format!("https://127.0.0.1:{}/page", hosts.trusted)))), "LN301");
    assert_eq!(code(fetch(&to(&format!("http://localhost:{}/page", hosts.plain)))), "LN306");
    assert_eq!(code(fetch(&to("file:///etc/passwd"))), "LN306");
    assert_eq!(code(fetch(&hosts.url("/nowhere"))), "LN306");
    let started = Instant::now();
    assert_eq!(code(fetch(&hosts.url("/circle"))), "LN306");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_host_must_prove_who_it_is() {
    let hosts = hosts();
    for (port, said) in [(hosts.expired, "xpired"), (hosts.another, "not valid for name")] {
        let failure = fetch(&format!("https://localhost:{port}/page")).unwrap_err();
        assert_eq!(failure.code(), "LN303");
        assert!(failure.detail().unwrap().contains(said), "{failure:?}");
    }
    // The authority of the tests is none that the machine knows.
    let strangers = Policy::new(&hosts.allowed(), "127.0.0.0/8", Roots::System).unwrap();
    assert_eq!(code(fetch_with(strangers, request(&hosts.url("/page"), 10, 1000))), "LN303");
    let unread =
        Policy::new(&hosts.allowed(), "127.0.0.0/8", Roots::File("/nowhere".into())).unwrap();
    assert_eq!(code(fetch_with(unread, request(&hosts.url("/page"), 10, 1000))), "LN303");
    // What does not speak the language of encryption.
    let plain = format!("localhost:{}", hosts.plain);
    let policy = hosts.policy(&plain, "127.0.0.0/8");
    assert_eq!(
        code(fetch_with(policy, request(&format!("https://{plain}/page"), 10, 1000))),
        "LN303"
    );
}

#[test]
fn only_what_is_listed_is_asked() {
    let hosts = hosts();
    let asked = |allowed: &str, networks: &str, url: &str| {
        fetch_with(hosts.policy(allowed, networks), request(url, 10, 1000))
    };
    let (trusted, plain) =
        (format!("localhost:{}", hosts.trusted), format!("localhost:{}", hosts.plain));
    let (secure, open) = (format!("https://{trusted}/page"), format!("http://{plain}/page"));
    assert_eq!(code(asked("", "127.0.0.0/8", &secure)), "LN301");
    assert_eq!(code(asked("localhost", "127.0.0.0/8", &secure)), "LN301");
    // The name is listed, but its address is that of this machine.
    let private = asked(&trusted, "", &secure).unwrap_err();
    assert!(matches!(private, Failure::PrivateAddress { .. }), "{private:?}");
    assert_eq!(code(asked(&trusted, "10.0.0.0/8", &secure)), "LN301");
    assert!(asked(&trusted, "127.0.0.1", &secure).is_ok());
    // Without encryption only where that is said.
    assert_eq!(code(asked(&plain, "127.0.0.1", &open)), "LN301");
    assert!(asked(&format!("http://{plain}"), "127.0.0.1", &open).is_ok());
}

#[test]
fn who_cannot_be_reached_is_told_soon() {
    let hosts = hosts();
    let started = Instant::now();
    assert_eq!(code(fetch(&format!("https://localhost:{}/", hosts.closed))), "LN302");
    // A name that nobody can have, so that no server of names is asked.
    let name = "x".repeat(64);
    let nobody = hosts.policy(&name, "");
    assert_eq!(code(fetch_with(nobody, request(&format!("https://{name}/"), 5, 1000))), "LN302");
    assert!(started.elapsed() < Duration::from_secs(6));
}

#[test]
fn credentials_go_to_their_hosts_only() {
    let hosts = hosts();
    let with_key = |url: &str, allowed: &str| {
        let key = Credential::read(Some(&hosts.folder), "desk").unwrap();
        let request = request(url, 10, 100_000).with(key);
        fetch_with(hosts.policy(allowed, "127.0.0.0/8"), request)
    };
    let text = |answer: Answer| String::from_utf8(answer.body).unwrap();
    let home = text(with_key(&hosts.url("/echo?a=b"), &hosts.allowed()).unwrap());
    assert!(
        home.contains("/echo?a=b&key=secret-b") && home.contains("x-api-key: secret-a"),
        "{home}"
    );
    assert!(home.contains("x-note: mine") && home.contains("user-agent: loan_engine/"), "{home}");
    // A second server that is allowed is another host: it gets neither key nor note.
    let authority = Authority::new();
    std::fs::write(hosts.folder.join("second.pem"), authority.pem()).unwrap();
    let second = serve(&authority, Shown::Certificate, 0);
    let both =
        std::fs::read_to_string(hosts.folder.join("authority.pem")).unwrap() + &authority.pem();
    std::fs::write(hosts.folder.join("both.pem"), both).unwrap();
    let allowed = format!("{},localhost:{second}", hosts.allowed());
    let key = Credential::read(Some(&hosts.folder), "desk").unwrap();
    let url = hosts.url(&format!("/to?https://localhost:{second}/echo?from=to"));
    let request = request(&url, 10, 100_000).with(key);
    // The part of the query is told by the first server, which repeats its own query, and not by us.
    let policy =
        Policy::new(&allowed, "127.0.0.0/8", Roots::File(hosts.folder.join("both.pem"))).unwrap();
    let away = text(fetch_with(policy, request).unwrap());
    assert!(!away.contains("secret-a") && !away.contains("x-note"), "{away}");
    assert!(away.contains("accept: */*"), "{away}");
    // Asked for where it does not belong.
    let refused =
        with_key(&format!("https://localhost:{}/echo", hosts.another), &allowed).unwrap_err();
    assert_eq!(refused.code(), "LN308");
    assert!(!format!("{refused:?} {:?}", refused.detail()).contains("secret"));
}
