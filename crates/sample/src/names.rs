//! Names of projects and people, and who is how large.

use crate::draw::Draw;

const COMPANIES: [&str; 24] = [
    "romashka", "sever", "vektor", "gorizont", "zarya", "meridian", "polyus", "kvant", "orbita", "tundra",
    "yantar", "granit", "parus", "mayak", "rodnik", "altair", "sigma", "delta", "orion", "neva", "taiga",
    "kedr", "iskra", "rassvet",
];
const APPLICATIONS: [&str; 16] = [
    "shop",
    "crm",
    "warehouse",
    "billing",
    "portal",
    "mobile",
    "analytics",
    "search",
    "chat",
    "mail",
    "vision",
    "maps",
    "staff",
    "docs",
    "telemetry",
    "lab",
];
const STAGES: [&str; 4] = ["prod", "stage", "dev", "test"];
/// How many names the three lists make.
const NAMES: usize = COMPANIES.len() * APPLICATIONS.len() * STAGES.len();
/// Has no divisor in common with [`NAMES`], so its multiples meet every name once.
const STRIDE: usize = 949;

const PEOPLE: [&str; 32] = [
    "anna.smirnova",
    "ivan.kuznetsov",
    "maria.popova",
    "dmitry.sokolov",
    "elena.lebedeva",
    "sergey.kozlov",
    "olga.novikova",
    "alexey.morozov",
    "natalia.petrova",
    "pavel.volkov",
    "irina.solovyova",
    "mikhail.vasilyev",
    "tatiana.zaytseva",
    "andrey.pavlov",
    "svetlana.semyonova",
    "nikolay.golubev",
    "yulia.vinogradova",
    "roman.bogdanov",
    "ksenia.vorobyova",
    "denis.fyodorov",
    "polina.mikhaylova",
    "artyom.belyaev",
    "vera.tarasova",
    "maxim.belov",
    "daria.komarova",
    "kirill.orlov",
    "alina.kiselyova",
    "ilya.makarov",
    "sofia.andreeva",
    "oleg.kovalyov",
    "nina.ilyina",
    "timur.gusev",
];
/// How many people act in a project.
const TEAM: u64 = 6;

/// A project, by its number; 0 is the largest.
pub type Project = usize;

/// All projects, the largest first: the second is half as large as the first, the third a third, and so on.
#[derive(Debug)]
pub struct Projects {
    names: Vec<String>,
    /// For each project the sum of the sizes up to and with it.
    sums: Vec<u64>,
}

impl Projects {
    /// The projects that share a fleet of that size: about the square root of the VMs.
    pub fn of_fleet(vms: u32) -> Projects {
        let count = vms.isqrt() + 2;
        let sums = (1..=u64::from(count)).scan(0, |sum, rank| {
            *sum += 1_000_000 / rank;
            Some(*sum)
        });
        Projects { names: (0..count as usize).map(name).collect(), sums: sums.collect() }
    }

    /// A project, the larger the likelier.
    pub fn draw(&self, draw: &mut Draw) -> Project {
        let size = draw.below(self.sums.last().copied().unwrap_or(0));
        self.sums.partition_point(|sum| *sum <= size)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Its name.
    pub fn name(&self, project: Project) -> &str {
        &self.names[project]
    }

    /// Somebody of its team.
    pub fn person(project: Project, draw: &mut Draw) -> &'static str {
        let member = usize::try_from(draw.below(TEAM)).unwrap_or(0);
        PEOPLE[(project * 7 + member) % PEOPLE.len()]
    }
}

fn name(project: Project) -> String {
    let at = (project * STRIDE + 17) % NAMES;
    let company = COMPANIES[at % COMPANIES.len()];
    let application = APPLICATIONS[at / COMPANIES.len() % APPLICATIONS.len()];
    let stage = STAGES[at / COMPANIES.len() / APPLICATIONS.len()];
    match project / NAMES {
        0 => format!("{company}-{application}-{stage}"),
        again => format!("{company}-{application}-{stage}-{}", again + 1),
    }
}
