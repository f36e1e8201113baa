use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::error::Refusal;

fn read(bytes: &[u8], format: &Format) -> Result<Vec<Row>, ListError> {
    super::read(bytes, format, || ())
}

fn format(document: Value) -> Format {
    Format::from_json(document).unwrap()
}

fn rows(list: &str, document: Value) -> Vec<Row> {
    read(list.as_bytes(), &format(document)).unwrap()
}

/// What a row says, shortly.
fn said(row: &Row) -> String {
    match &row.read {
        Ok(quote) => {
            let price =
                |price: Option<Decimal>| price.map_or("-".to_owned(), |price| price.to_string());
            let at = quote.at.map_or("-".to_owned(), |at| at.format("%FT%T%.fZ").to_string());
            let (bid, ask, mid) = (price(quote.bid), price(quote.ask), price(quote.mid));
            format!("{} {at} {bid} {ask} {mid} {}", quote.symbol, quote.currency)
        }
        Err(fault) => fault.to_string(),
    }
}

fn usd() -> Value {
    json!({"type": "json", "rows": "/prices", "symbol": "/symbol", "at": "/at", "bid": "/bid",
        "ask": "/ask", "currency": {"value": "USD"}})
}

fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

#[test]
fn elements_of_an_array_are_rows() {
    let list = r#"{"prices": [
        {"symbol": "XAU", "at": "2024-03-01T10:00:00Z", "bid": 2040.10, "ask": "2041.30"},
        {"symbol": "XAG", "at": "2024-03-01T11:00:00+01:00", "bid": 22.61, "ask": null},
        {"symbol": "XPT", "at": "2024-03-01", "bid": "n/a", "ask": 880},
        {"symbol": "", "at": "2024-03-01", "bid": 1},
        {"symbol": "XPD", "at": "yesterday", "bid": 1},
        {"symbol": "XPD", "at": "2024-03-01"},
        {"symbol": "XPD", "symbol": "XAU", "at": "2024-03-01", "bid": 1},
        {"symbol": ["XPD"], "at": "2024-03-01", "bid": 1},
        17
    ]}"#;
    let read = rows(list, usd());
    assert_eq!(
        read.iter().map(said).collect::<Vec<_>>(),
        [
            "XAU 2024-03-01T10:00:00Z 2040.10 2041.30 - USD",
            "XAG 2024-03-01T10:00:00Z 22.61 - - USD",
            "bid: \"n/a\" is no number of up to 28 digits",
            "symbol is missing",
            "at: \"yesterday\" is no time of the format",
            "there is no price",
            "symbol: \"symbol\" is there twice",
            "symbol: \"[\"XPD\"]\" is no text or number",
            "symbol is missing",
        ]
    );
    assert_eq!(read[0].number, 1);
    assert_eq!(read[0].raw["bid"].to_string(), "2040.10");
}

#[test]
fn members_of_an_object_are_rows() {
    let rates =
        r#"{"base": "USD", "stamp": 1709287200.5, "rates": {"XAU": 2040.1, "XAU": 2, "XAG": 2e1}}"#;
    let by_key = json!({"type": "json", "rows": "/rates", "each": "member", "symbol": {"key": true},
        "at": {"root": "/stamp"}, "time": "epoch_seconds", "mid": "", "currency": {"root": "/base"}});
    // A name that is there twice is two rows: neither is lost.
    assert_eq!(
        rows(rates, by_key).iter().map(said).collect::<Vec<_>>(),
        [
            "XAU 2024-03-01T10:00:00.500Z - - 2040.1 USD",
            "XAU 2024-03-01T10:00:00.500Z - - 2 USD",
            "XAG 2024-03-01T10:00:00.500Z - - 20 USD",
        ]
    );
    let daily = r#"{"Time Series": {"2024-03-01": {"4. close": "180.75"}, "2024-02-30": {"4. close": "1"}}}"#;
    let by_day = json!({"type": "json", "rows": "/Time Series", "each": "member",
        "symbol": {"value": "AAPL"}, "at": {"key": true}, "time_of_day": "16:00:00", "offset": "-05:00",
        "mid": "/4. close", "currency": {"value": "USD"}});
    assert_eq!(
        rows(daily, by_day).iter().map(said).collect::<Vec<_>>(),
        ["AAPL 2024-03-01T21:00:00Z - - 180.75 USD", "at: \"2024-02-30\" is no time of the format",]
    );
    let one = r#"{"metal": "XAU", "price": 1980.15, "a/b~c": [0, 1980.10]}"#;
    let whole = json!({"type": "json", "each": "whole", "symbol": "/metal", "mid": "/price",
        "bid": "/a~1b~0c/1", "currency": {"value": "USD"}});
    assert_eq!(said(&rows(one, whole)[0]), "XAU - 1980.10 - 1980.15 USD");
}

#[test]
fn lines_of_fields_are_rows() {
    let list = "\u{FEFF}symbol;day;price;note\nXAU;01.03.2024;2.040,70;\"a; \"\"b\"\"\"\n\
                XAG;1.3.2024;22,63\nXPT;01.03.2024;1.5;x\n\nXPD;01.03.2024;;x\n";
    let columns = json!({"type": "csv", "delimiter": ";", "symbol": "symbol", "at": "day",
        "time": "%d.%m.%Y", "mid": "price", "decimal": ",", "group": ".",
        "currency": {"value": "EUR"}});
    let lines = rows(list, columns.clone());
    assert_eq!(
        lines.iter().map(said).collect::<Vec<_>>(),
        [
            "XAU 2024-03-01T00:00:00Z - - 2040.70 EUR",
            "the row has 3 fields, the header 4",
            "XPT 2024-03-01T00:00:00Z - - 15 EUR",
            "there is no price",
        ]
    );
    assert_eq!(
        lines[0].raw,
        json!({"symbol": "XAU", "day": "01.03.2024", "price": "2.040,70",
        "note": "a; \"b\""})
    );
    assert_eq!(lines[1].raw, json!(["XAG", "1.3.2024", "22,63"]));
    let odd = read(b"symbol;day;price\nX\xFF;01.03.2024;1\nX\0;01.03.2024;1\n", &format(columns));
    let odd = odd.unwrap();
    assert_eq!(odd[0].read, Err(Fault::NotUtf8));
    assert_eq!(odd[1].read, Err(Fault::NotStorable));
}

#[test]
fn a_list_without_rows_is_refused() {
    let columns = json!({"type": "csv", "symbol": "s", "mid": "p", "currency": {"value": "EUR"}});
    for (list, document) in [
        ("<html>maintenance</html>", usd()),
        ("{\"prices\": [1, 2", usd()),
        ("{\"prices\": []} []", usd()),
        ("{\"prices\": {}}", usd()),
        ("{}", usd()),
        ("", usd()),
        ("{\"prices\": [], \"prices\": []}", usd()),
        ("", columns.clone()),
        ("s,q\nA,1\n", columns.clone()),
        ("s,p,p\nA,1,2\n", columns),
    ] {
        let refused = read(list.as_bytes(), &format(document)).unwrap_err();
        assert_eq!(refused.code(), Some("LN309"), "{list}");
        assert!(refused.hint().is_some());
    }
    assert_eq!(read(b"\xFF\xFE", &format(usd())), Err(ListError::NotUtf8));
    assert_eq!(rows("{\"prices\": []}", usd()), []);
}

#[test]
fn a_format_is_refused_with_its_fault() {
    for (more, reason) in [
        (json!({"type": "xml"}), "type"),
        (json!({"rows": "prices"}), "rows"),
        (json!({"symbol": "symbol"}), "JSON pointer"),
        (json!({"symbol": {"key": true}}), "key"),
        (json!({"symbol": {"value": "X", "root": "/x"}}), "symbol"),
        (json!({"symbol": 1}), "symbol"),
        (json!({"symbol": null}), "symbol"),
        (json!({"unknown": 1}), "unknown"),
        (json!({"time": "sometime"}), "time"),
        (json!({"time": "%Q"}), "time"),
        (json!({"offset": "CET"}), "offset"),
        (json!({"decimal": "1"}), "decimal"),
        (json!({"decimal": ",", "group": ","}), "decimal"),
        (json!({"decimal": ",,"}), "one letter"),
        (json!({"delimiter": ","}), "delimiter"),
        (json!({"bid": null, "ask": null}), "bid"),
        (json!({"type": "csv"}), "rows"),
        (json!({"time_of_day": "25:00:00"}), "time_of_day"),
    ] {
        let refused = Format::from_json(with(usd(), more.clone())).unwrap_err();
        let said = format!("{:?} {:?}", refused.detail(), more);
        assert!(said.contains(reason), "{said}");
        assert_eq!(refused.code(), None);
    }
    for document in [json!(null), json!([]), json!({}), json!("json"), json!({"type": "json"})] {
        assert!(Format::from_json(document).is_err());
    }
}

#[test]
fn numbers_are_their_digits() {
    let plain = Numbers { decimal: '.', group: None };
    for (text, value) in [
        ("0.1", "0.1"),
        ("-12.50", "-12.50"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.25E-2", "0.0125"),
        ("12.345e+1", "123.45"),
        ("0.1000000000000000055511151231", "0.1000000000000000055511151231"),
        ("9999999999999999999999999999", "9999999999999999999999999999"),
        ("00012", "12"),
    ] {
        assert_eq!(
            number("bid", text, &plain).map(|value| value.to_string()).as_deref(),
            Ok(value)
        );
    }
    for text in [
        "",
        ".",
        "-",
        "1 000",
        "1_000",
        "NaN",
        "Infinity",
        "0x10",
        "1e",
        "1e99",
        "1e1.5",
        "--1",
        "1,5",
        "99999999999999999999999999999999",
        "0.10000000000000000000000000001",
        "١",
    ] {
        assert!(number("bid", text, &plain).is_err(), "{text}");
    }
    let swiss = Numbers { decimal: '.', group: Some('\'') };
    assert_eq!(
        number("bid", "1'234'567.05", &swiss).map(|v| v.to_string()).as_deref(),
        Ok("1234567.05")
    );
}

#[test]
fn times_are_read_in_their_forms() {
    let at = |text: &str, more: Value| {
        let list = json!({"prices": [{"symbol": "X", "at": text, "bid": 1}]}).to_string();
        match &rows(&list, with(usd(), more))[0].read {
            Ok(quote) => quote.at.unwrap().format("%FT%T%.fZ").to_string(),
            Err(_) => "fault".to_owned(),
        }
    };
    let iso = json!({"time": "iso", "offset": "+05:30"});
    for (text, moment) in [
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z"),
        ("2024-03-01 10:00:00+0100", "2024-03-01T09:00:00Z"),
        ("2024-03-01T10:00+01", "2024-03-01T09:00:00Z"),
        ("2024-03-01T10:00:00.123456789Z", "2024-03-01T10:00:00.123456Z"),
        ("2024-03-01T10:00:00", "2024-03-01T04:30:00Z"),
        ("2024-03-01 10:00", "2024-03-01T04:30:00Z"),
        ("2024-03-01", "2024-02-29T18:30:00Z"),
        ("10000-03-01", "fault"),
        ("infinity", "fault"),
        ("2023-02-29", "fault"),
    ] {
        assert_eq!(at(text, iso.clone()), moment, "{text}");
    }
    let seconds = json!({"time": "epoch_seconds"});
    for (text, moment) in [
        ("1709287200", "2024-03-01T10:00:00Z"),
        ("1709287200.25", "2024-03-01T10:00:00.250Z"),
        ("-1", "1969-12-31T23:59:59Z"),
        ("1e27", "fault"),
        ("soon", "fault"),
    ] {
        assert_eq!(at(text, seconds.clone()), moment, "{text}");
    }
    assert_eq!(
        at("1709287200250", json!({"time": "epoch_milliseconds"})),
        "2024-03-01T10:00:00.250Z"
    );
    let pattern = json!({"time": "%d/%m/%y %H:%M", "offset": "+01:00"});
    assert_eq!(at("01/03/24 11:00", pattern.clone()), "2024-03-01T10:00:00Z");
    assert_eq!(at("2024-03-01", pattern), "fault");
}

#[test]
fn what_no_database_keeps_is_a_fault_with_its_text() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    for spoilt in [r#""\u0000""#, "1e999999", deep.as_str(), r#"{"\u0000": 1}"#, r#""\ud800""#] {
        let list = format!(
            r#"{{"prices": [{{"symbol": "X", "at": "2024-03-01", "bid": 1, "more": {spoilt}}}]}}"#
        );
        let row = &rows(&list, usd())[0];
        assert_eq!(row.read, Err(Fault::NotStorable), "{spoilt}");
        assert!(row.raw.as_str().unwrap().contains(spoilt));
    }
    // Lists without end above the rows take no more than time.
    let far = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let list = format!(
        r#"{{"noise": {far}, "prices": [{{"symbol": "X", "at": "2024-03-01", "bid": 1}}]}}"#
    );
    assert!(rows(&list, usd())[0].read.is_ok());
}

/// A text of a field, good or bad.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,8}(\\.[0-9]{1,6})?",
        "[A-Z]{3}",
        "2024-0[1-9]-1[0-9]",
        "\\PC{0,12}",
        Just(String::new()),
        Just("\u{0}".to_owned()),
        Just("a\"b\r\n;c".to_owned()),
    ]
}

proptest! {
    #[test]
    fn nothing_of_a_json_list_is_lost(table in prop::collection::vec([field(), field(), field()], 0..20)) {
        let listed: Vec<Value> =
            table.iter().map(|[s, a, b]| json!({"symbol": s, "at": a, "bid": b})).collect();
        let list = json!({"prices": listed}).to_string();
        let read = rows(&list, usd());
        prop_assert_eq!(read.len(), table.len());
        for (number, (row, given)) in read.iter().zip(&listed).enumerate() {
            prop_assert_eq!(row.number, number + 1);
            match &row.raw {
                Value::String(text) => prop_assert_eq!(text, &given.to_string()),
                raw => prop_assert_eq!(raw, given),
            }
        }
    }

    #[test]
    fn nothing_of_lines_is_lost(table in prop::collection::vec([field(), field(), field()], 0..20)) {
        let mut writer = ::csv::WriterBuilder::new().quote_style(::csv::QuoteStyle::Always).from_writer(vec![]);
        writer.write_record(["symbol", "at", "bid"]).unwrap();
        for line in &table {
            writer.write_record(line).unwrap();
        }
        let columns = json!({"type": "csv", "symbol": "symbol", "at": "at", "bid": "bid",
            "currency": {"value": "USD"}});
        let read = read(&writer.into_inner().unwrap(), &format(columns)).unwrap();
        prop_assert_eq!(read.len(), table.len());
        for (row, line) in read.iter().zip(&table) {
            let kept = |field: &String| Value::String(field.replace('\0', "\u{FFFD}"));
            let fields: Vec<Value> = line.iter().map(kept).collect();
            match &row.raw {
                Value::Array(raw) => prop_assert_eq!(raw, &fields),
                raw => prop_assert_eq!(raw, &json!({"symbol": fields[0], "at": fields[1], "bid": fields[2]})),
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let columns = json!({"type": "csv", "symbol": "a", "bid": "b", "currency": {"value": "USD"}});
        let _ = read(&bytes, &format(usd()));
        let _ = read(&[b"a,b\n", bytes.as_slice()].concat(), &format(columns)).unwrap();
    }

    #[test]
    fn a_number_is_read_as_it_is_written(value in any::<i64>(), scale in 0_u32..=18) {
        let given = Decimal::new(value, scale);
        let numbers = Numbers { decimal: '.', group: None };
        prop_assert_eq!(number("bid", &given.to_string(), &numbers), Ok(given));
    }
}
