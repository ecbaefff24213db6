use super::*;

/// Lists as an operator writes them.
#[derive(Default)]
struct Lists<'a> {
    allowed_hosts: &'a [&'a str],
    disallowed_hosts: &'a [&'a str],
    allowed_ports: &'a [u16],
    disallowed_ports: &'a [u16],
    allowed_schemes: &'a [&'a str],
    disallowed_schemes: &'a [&'a str],
}

fn filter(lists: &Lists<'_>) -> Filter {
    let words = |allowed: &[&str], disallowed: &[&str]| {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Choice { allowed: own(allowed), disallowed: own(disallowed) }
    };
    Filter::new(&OutboundConfig {
        schemes: words(lists.allowed_schemes, lists.disallowed_schemes),
        hosts: words(lists.allowed_hosts, lists.disallowed_hosts),
        ports: Choice { allowed: lists.allowed_ports.to_vec(), disallowed: lists.disallowed_ports.to_vec() },
    })
}

/// What a file without these options says.
fn standard() -> Filter {
    filter(&Lists { allowed_schemes: &["http", "https"], allowed_ports: &[80, 443], ..Lists::default() })
}

fn verdict(filter: &Filter, text: &str) -> Result<(), Refused> {
    filter.read(text).map(|_| ())
}

#[test]
fn public_and_private_addresses_pass_with_their_usual_ports() {
    let standard = standard();
    for text in [
        "http://198.51.100.7/image",
        "https://10.0.0.5:443/image?x=1#part",
        "http://user:word@mirror.example:80/image",
        "http://[2001:db8::7]/image",
        "HTTP://MIRROR.EXAMPLE/image",
        "http://mirror.example:/image",
        "http://172.16.0.1/image",
    ] {
        assert_eq!(verdict(&standard, text), Ok(()), "{text}");
    }
}

#[test]
fn schemes_and_ports_that_are_not_listed_are_refused() {
    let standard = standard();
    assert_eq!(verdict(&standard, "ftp://mirror.example/image"), Err(Refused::Scheme));
    assert_eq!(verdict(&standard, "https+x://mirror.example/image"), Err(Refused::Scheme));
    for text in ["http://mirror.example:8080/", "http://mirror.example:22/", "https://[2001:db8::7]:1/"] {
        assert_eq!(verdict(&standard, text), Err(Refused::Port), "{text}");
    }
    // Named is named, also where the scheme would have gone there anyway.
    let only = filter(&Lists { allowed_ports: &[8080], ..Lists::default() });
    assert_eq!(verdict(&only, "http://mirror.example:80/"), Err(Refused::Port));
    assert_eq!(verdict(&only, "http://mirror.example/"), Ok(()));
    assert_eq!(verdict(&only, "http://mirror.example:8080/"), Ok(()));
}

#[test]
fn what_is_no_address_is_refused() {
    let standard = standard();
    for text in [
        "",
        "mirror.example/image",
        "http:",
        "http://",
        "http:///image",
        "http://a b/",
        "http://h\t/",
        "http://h:x/",
        "http://h:99999/",
        "http://h/\nx",
    ] {
        assert_eq!(verdict(&standard, text), Err(Refused::Malformed), "{text:?}");
    }
}

#[test]
fn this_machine_and_its_link_are_refused_in_every_spelling() {
    let standard = standard();
    for text in [
        "http://127.0.0.1/",
        "http://127.9.9.9/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[2002:7f00:1::]/",
        "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
        // Numbers that are no plain address.
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://0x7f.0.0.1/",
        "http://１２７.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://134744072/",
        "http://good.example@127.0.0.1/",
        "http://127.0.0.1\\@good.example/",
    ] {
        assert_eq!(verdict(&standard, text), Err(Refused::Host), "{text}");
    }
}

#[test]
fn a_host_on_the_black_list_is_refused_in_every_spelling() {
    let listed = filter(&Lists {
        disallowed_hosts: &["198.51.100.7", "2001:db8::1", "Secret.Example", "bücher.example"],
        ..Lists::default()
    });
    for text in [
        "http://198.51.100.7/",
        "http://[::ffff:198.51.100.7]/",
        "http://[::ffff:c633:6407]/",
        "http://[64:ff9b::c633:6407]/",
        "http://[2002:c633:6407::1]/",
        "http://3325256711/",
        "http://0xc6.0x33.0x64.0x07/",
        "http://[2001:db8:0:0:0:0:0:1]/",
        "http://[2001:DB8::0001]/",
        "http://secret.example/",
        "http://SECRET.example./",
        "http://s%65cret.example/",
        "http://BÜCHER.example/",
        "http://xn--bcher-kva.example/",
    ] {
        assert_eq!(verdict(&listed, text), Err(Refused::Host), "{text}");
    }
    for text in ["http://198.51.100.8/", "http://not.secret.example/", "http://[2001:db8::2]/"] {
        assert_eq!(verdict(&listed, text), Ok(()), "{text}");
    }
}

#[test]
fn a_white_list_wins_over_the_black_one_and_opens_this_machine() {
    let listed = filter(&Lists {
        allowed_hosts: &["127.0.0.1", "mirror.example"],
        disallowed_hosts: &["mirror.example"],
        disallowed_ports: &[22],
        disallowed_schemes: &["ftp"],
        ..Lists::default()
    });
    assert_eq!(verdict(&listed, "http://127.0.0.1:8080/"), Ok(()));
    assert_eq!(verdict(&listed, "http://mirror.example/"), Ok(()));
    assert_eq!(verdict(&listed, "http://198.51.100.7/"), Err(Refused::Host));
    assert_eq!(verdict(&listed, "http://[::1]/"), Err(Refused::Host));
    assert_eq!(verdict(&listed, "http://mirror.example:22/"), Err(Refused::Port));
    assert_eq!(verdict(&listed, "ftp://mirror.example/"), Err(Refused::Scheme));
}

#[test]
fn of_the_addresses_of_a_name_only_those_of_others_remain() {
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
    let found = ["127.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254", "198.51.100.7", "fe80::7"];
    let remain = |filter: &Filter, host: &str| filter.admit(host, addresses(&found));
    assert_eq!(remain(&standard(), "name.example"), addresses(&["::ffff:10.0.0.1", "198.51.100.7"]));
    let listed = filter(&Lists { disallowed_hosts: &["10.0.0.1"], ..Lists::default() });
    assert_eq!(remain(&listed, "name.example"), addresses(&["198.51.100.7"]));
    let allowed = filter(&Lists { allowed_hosts: &["Name.example"], ..Lists::default() });
    assert_eq!(remain(&allowed, "name.example."), addresses(&found));
}

#[tokio::test]
async fn a_name_is_looked_up_before_it_passes() {
    let standard = standard();
    assert_eq!(standard.check("http://localhost/").await, Err(Refused::Host));
    assert_eq!(standard.check("http://no-such-host.invalid/").await, Err(Refused::Unresolved));
    assert_eq!(standard.check("http://198.51.100.7/").await, Ok(()));
    let open = filter(&Lists { allowed_hosts: &["localhost"], ..Lists::default() });
    assert_eq!(open.check("http://localhost/").await, Ok(()));
}
