//! A real Keystone on SQLite, served by uWSGI, with the accounts of the install guide.

use std::collections::HashMap;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::http::Api;
use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::{tools, wait};

/// An account with one role on one project, both in the domain `Default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Person {
    pub name: &'static str,
    pub password: &'static str,
    pub project: &'static str,
    pub role: &'static str,
}

pub const ADMIN: Person = Person { name: "admin", password: "admin-secret", project: "admin", role: "admin" };
pub const MEMBER: Person = Person { name: "demo", password: "demo-secret", project: "demo", role: "member" };
pub const READER: Person =
    Person { name: "reader", password: "reader-secret", project: "demo", role: "reader" };
pub const STRANGER: Person =
    Person { name: "stranger", password: "stranger-secret", project: "other", role: "member" };
/// The Image service's own account.
pub const SERVICE: Person =
    Person { name: "glance", password: "glance-secret", project: "service", role: "service" };

/// A running Keystone.
#[derive(Debug)]
pub struct Keystone {
    pub port: u16,
    process: Mutex<Process>,
    tokens: Mutex<HashMap<Person, String>>,
    _scratch: Scratch,
}

static SHARED: OnceLock<Keystone> = OnceLock::new();

impl Keystone {
    /// The one that all tests of this process use.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start)
    }

    /// Makes its database and keys, starts it and makes the accounts.
    pub fn start() -> Self {
        let scratch = Scratch::new("keystone");
        let port = process::free_port();
        write_configuration(&scratch, port);
        manage(&scratch, &["db_sync"]);
        let (user, group) = (our_name("--user"), our_name("--group"));
        manage(&scratch, &["fernet_setup", "--keystone-user", &user, "--keystone-group", &group]);
        bootstrap(&scratch, port);

        let mut server = Command::new(tools::environment_program("keystone", "uwsgi"));
        server
            .env("OS_KEYSTONE_CONFIG_DIR", scratch.path())
            .env("OS_KEYSTONE_CONFIG_FILES", "keystone.conf")
            .current_dir(scratch.path())
            .args([
                "--http-socket",
                &format!("127.0.0.1:{port}"),
                "--module",
                "keystone.wsgi.api:application",
            ])
            // One at a time: two processes that write to one SQLite file find it locked.
            .args(["--master", "--processes", "1", "--die-on-term", "--no-orphans", "--disable-logging"])
            .args(["--buffer-size", "65535", "--listen", "100"])
            // It serves one request to a connection: clients must not keep it for the next.
            .args(["--add-header", "Connection: close"]);
        let mut process = Process::start("keystone", server, scratch.path());
        process.serves(port);
        let api = Api::new(&format!("http://127.0.0.1:{port}"));
        process.wait_until("answering", wait::START, || {
            process::is_listening(port) && api.get("/v3").status == 200
        });
        let keystone =
            Self { port, process: Mutex::new(process), tokens: Mutex::default(), _scratch: scratch };
        keystone.make_accounts();
        keystone
    }

    /// `[keystone_authtoken] auth_url`, without a version.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What `OS_AUTH_URL` is set to.
    pub fn auth_url(&self) -> String {
        format!("{}/v3", self.url())
    }

    /// A token of that person, scoped to the person's project. The same one each time.
    pub fn token(&self, person: Person) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.entry(person).or_insert_with(|| self.log_in(person)).clone()
    }

    /// A fresh token.
    pub fn log_in(&self, person: Person) -> String {
        let answer = self.authenticate(person).expect(201);
        answer.header("x-subject-token").expect("a token in the answer").to_owned()
    }

    /// The id of a project by its name.
    pub fn project_id(&self, name: &str) -> String {
        let found = self.admin().get(&format!("/v3/projects?name={name}")).expect(200).json();
        text(&found["projects"][0]["id"])
    }

    /// Ends a token before its time.
    pub fn revoke(&self, token: &str) {
        self.admin().call("DELETE", "/v3/auth/tokens").header("x-subject-token", token).send().expect(204);
    }

    /// Puts an Image service into the catalog, in a region of its own: many can stand side by side. Tells the id of
    /// the public endpoint.
    pub fn register_image_service(&self, region: &str, url: &str) -> String {
        let api = self.admin();
        // A region that is there already is well.
        api.put_json(&format!("/v3/regions/{region}"), &json!({"region": {}}));
        let service = self.image_service();
        let register = |interface: &str| {
            let endpoint =
                json!({"interface": interface, "region_id": region, "service_id": service, "url": url});
            let made = api.post_json("/v3/endpoints", &json!({"endpoint": endpoint})).expect(201).json();
            text(&made["endpoint"]["id"])
        };
        register("internal");
        register("admin");
        register("public")
    }

    /// Puts itself into the catalog of a region: clients look for everything in one.
    pub fn register_identity_service(&self, region: &str) {
        let endpoint = json!({
            "interface": "public", "region_id": region, "service_id": self.service("identity"), "url": self.auth_url(),
        });
        self.admin().post_json("/v3/endpoints", &json!({"endpoint": endpoint})).expect(201);
    }

    fn image_service(&self) -> String {
        self.service("image")
    }

    fn service(&self, kind: &str) -> String {
        let services = self.admin().get(&format!("/v3/services?type={kind}")).expect(200).json();
        text(&services["services"][0]["id"])
    }

    /// What `openstack registered limit create` does, for the Image service in a region.
    pub fn register_limit(&self, region: &str, name: &str, limit: i64) {
        let limit = json!({
            "service_id": self.image_service(), "region_id": region, "resource_name": name, "default_limit": limit,
        });
        self.admin().post_json("/v3/registered_limits", &json!({"registered_limits": [limit]})).expect(201);
    }

    /// What `openstack limit create` does: a project gets another limit than the registered one.
    pub fn limit_project(&self, region: &str, project: &str, (name, limit): (&str, i64)) {
        let limit = json!({
            "service_id": self.image_service(), "region_id": region, "resource_name": name,
            "resource_limit": limit, "project_id": self.project_id(project),
        });
        self.admin().post_json("/v3/limits", &json!({"limits": [limit]})).expect(201);
    }

    /// Makes a person and, if there is none of that name, the project.
    pub fn add_person(&self, person: Person) {
        let api = self.admin();
        let project = json!({"project": {"name": person.project, "domain_id": "default"}});
        api.post_json("/v3/projects", &project);
        let project = self.project_id(person.project);
        let user = json!({"name": person.name, "password": person.password, "domain_id": "default"});
        let made = api.post_json("/v3/users", &json!({"user": user})).expect(201).json();
        let (user, role) = (text(&made["user"]["id"]), self.role_id(person.role));
        api.call("PUT", &format!("/v3/projects/{project}/users/{user}/roles/{role}")).send().expect(204);
    }

    /// The role reader for the system: the account may look at everything.
    pub fn let_read_the_system(&self, person: Person) {
        let api = self.admin();
        let found = api.get(&format!("/v3/users?name={}", person.name)).expect(200).json();
        let (user, role) = (text(&found["users"][0]["id"]), self.role_id("reader"));
        api.call("PUT", &format!("/v3/system/users/{user}/roles/{role}")).send().expect(204);
    }

    fn role_id(&self, name: &str) -> String {
        let found = self.admin().get(&format!("/v3/roles?name={name}")).expect(200).json();
        text(&found["roles"][0]["id"])
    }

    /// Ends the server: what a controller looks like when identity is away.
    pub fn stop(&self) {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).kill();
    }

    fn admin(&self) -> Api {
        Api::new(&self.url()).with_token(&self.token(ADMIN))
    }

    fn authenticate(&self, person: Person) -> crate::http::Answer {
        let domain = json!({"id": "default"});
        let user = json!({"name": person.name, "domain": domain, "password": person.password});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let scope = json!({"project": {"name": person.project, "domain": domain}});
        let body = json!({"auth": {"identity": identity, "scope": scope}});
        Api::new(&self.url()).post_json("/v3/auth/tokens", &body)
    }

    /// What the install guide makes with `openstack project create`, `user create`, `role add`, `service create`.
    fn make_accounts(&self) {
        let api = self.admin();
        let mut roles: HashMap<String, String> = HashMap::new();
        for role in api.get("/v3/roles").expect(200).json()["roles"].as_array().expect("a list of roles") {
            roles.insert(text(&role["name"]), text(&role["id"]));
        }
        let mut projects: HashMap<&str, String> = HashMap::new();
        for project in ["service", "demo", "other"] {
            let body = json!({"project": {"name": project, "domain_id": "default"}});
            let made = api.post_json("/v3/projects", &body).expect(201).json();
            projects.insert(project, text(&made["project"]["id"]));
        }
        for person in [MEMBER, READER, STRANGER, SERVICE] {
            let body =
                json!({"user": {"name": person.name, "password": person.password, "domain_id": "default"}});
            let made = api.post_json("/v3/users", &body).expect(201).json();
            let user = text(&made["user"]["id"]);
            let granted: &[&str] = if person == SERVICE { &["service", "admin"] } else { &[person.role] };
            for role in granted {
                let path =
                    format!("/v3/projects/{}/users/{user}/roles/{}", projects[person.project], roles[*role]);
                api.call("PUT", &path).send().expect(204);
            }
        }
        let service = json!({"service": {"name": "glance", "type": "image"}});
        api.post_json("/v3/services", &service).expect(201);
    }
}

fn write_configuration(scratch: &Scratch, port: u16) {
    let folder = scratch.path().display();
    let text = format!(
        "[DEFAULT]\n\
         public_endpoint = http://127.0.0.1:{port}/\n\
         [database]\n\
         connection = sqlite:///{folder}/keystone.db\n\
         [token]\n\
         provider = fernet\n\
         [fernet_tokens]\n\
         key_repository = {folder}/fernet\n\
         [fernet_receipts]\n\
         key_repository = {folder}/receipts\n\
         [identity]\n\
         # The least Keystone allows: the tests log in often and the passwords guard nothing.\n\
         password_hash_rounds = 4\n\
         [cache]\n\
         enabled = false\n"
    );
    fs::write(scratch.join("keystone.conf"), text).expect("keystone.conf");
}

fn manage(scratch: &Scratch, arguments: &[&str]) {
    let mut command = Command::new(tools::environment_program("keystone", "keystone-manage"));
    command.arg("--config-file").arg(scratch.join("keystone.conf")).args(arguments);
    process::run_well(command, wait::START);
}

fn bootstrap(scratch: &Scratch, port: u16) {
    let url = format!("http://127.0.0.1:{port}/v3/");
    manage(
        scratch,
        &[
            "bootstrap",
            "--bootstrap-password",
            ADMIN.password,
            "--bootstrap-region-id",
            "RegionOne",
            "--bootstrap-admin-url",
            &url,
            "--bootstrap-internal-url",
            &url,
            "--bootstrap-public-url",
            &url,
        ],
    );
}

/// The name of the user (`--user`) or group (`--group`) we run as.
fn our_name(which: &str) -> String {
    let mut id = Command::new(tools::system_program("id"));
    id.arg(which).arg("--name");
    process::run_well(id, wait::STEP).stdout.trim().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}
