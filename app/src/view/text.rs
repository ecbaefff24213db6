//! How sizes, speeds and times are written. Plain functions over numbers.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// "612 MiB", "3.5 GiB".
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64 / 1_024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1_023.5 {
            break;
        }
        value /= 1_024.0;
        unit = next;
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// "641,728,512 bytes", for tooltips.
pub fn exact_size(bytes: u64) -> String {
    let digits = bytes.to_string();
    let mut text = String::with_capacity(digits.len() + 12);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + if bytes == 1 { " byte" } else { " bytes" }
}

/// "about 3 min left".
pub fn remaining(secs: u64) -> String {
    match secs {
        0 => "almost done".to_owned(),
        1..60 => format!("{secs} s left"),
        60..3_600 => format!("{} min {:02} s left", secs / 60, secs % 60),
        _ => format!("{} h {:02} min left", secs / 3_600, secs % 3_600 / 60),
    }
}

/// "2026-11-22 14:02", in the zone of the person.
pub fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

pub fn local_seconds(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// "2026-11-22T06:02:11Z (UTC)", for tooltips.
pub fn utc_time(at: Timestamp) -> String {
    format!("{} (UTC)", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

/// "1 image", "2 images".
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (641_728_512, "612 MiB"),
            (3_758_096_384, "3.5 GiB"),
            (1_073_741_823, "1.0 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(exact_size(641_728_512), "641,728,512 bytes");
        assert_eq!(exact_size(1), "1 byte");
    }

    #[test]
    fn times_are_local_with_utc_beside_them() {
        let at: Timestamp = "2026-11-22T05:02:11Z".parse().unwrap();
        let tokyo = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(local_time(at, &tokyo), "2026-11-22 14:02");
        assert_eq!(utc_time(at), "2026-11-22T05:02:11Z (UTC)");
        assert_eq!(remaining(75), "1 min 15 s left");
        assert_eq!(remaining(3_660), "1 h 01 min left");
    }
}
