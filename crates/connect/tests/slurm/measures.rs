//! How large a job is.

use expect_test::expect;

use crate::{job, usage};

#[test]
fn gpus_are_the_plain_entry_or_the_sum_of_the_typed_ones() {
    let allocations = [
        "cpu=8,gres/gpu=4,gres/gpu:a100=3,gres/gpu:h100=1,mem=1M",
        "cpu=8,gres/gpu:a100=3,gres/gpu:h100=1,gres/gpumem=9G,gres/gpuutil=50,mem=1M",
        "cpu=8,mem=1M",
        "",
        "cpu=8,gres/gpu=2K,mem=1M",
        "cpu=8,gres/gpu=-1",
        "cpu=8,gres/gpu",
    ];
    let input: String = allocations.map(|alloctres| job(&[("alloctres", alloctres)])).concat();
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=4 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=4 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 5: alloctres: gres/gpu is "2K", not a whole number of at most 12 digits
          export it as a plain number, with `sacct --noconvert`
        line 6: alloctres: gres/gpu is "-1", not a whole number of at most 12 digits
          export it as a plain number, with `sacct --noconvert`
        line 7: alloctres: "gres/gpu" is not NAME=AMOUNT
          export AllocTRES as sacct prints it
        7 records, 4 events, 3 refused, skipped {}
    "#]],
    );
}

#[test]
fn memory_is_of_the_whole_job_in_powers_of_1024() {
    let amounts = ["1536K", "100", "62.50G", "0.5T", "1P", "1.5X", "G", "1e3M", "999999999999T", "-5M", ""];
    let input: String = amounts.map(|mem| job(&[("alloctres", &format!("cpu=8,mem={mem}"))])).concat();
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1.5 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=100 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=64000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=524288 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=1073741824 state=COMPLETED
        line 6: alloctres: "1.5X": unknown suffix "X"
          use K, M, G, T or P, or no suffix for M
        line 7: alloctres: "G" is not an amount such as 62.50G
          export it as sacct prints it
        line 8: alloctres: "1e3M" is not an amount such as 62.50G
          export it as sacct prints it
        line 9: alloctres: comes to 10^12 or more
          check the record in the accounting database
        line 10: alloctres: "-5M" is not an amount such as 62.50G
          export it as sacct prints it
        line 11: alloctres: "" is not an amount such as 62.50G
          export it as sacct prints it
        11 records, 5 events, 6 refused, skipped {}
    "#]],
    );
}

#[test]
fn memory_that_was_not_recorded_is_what_was_asked_for() {
    // The fourth is the mark "per CPU", 2^31, with 3000 MB; zero asks for all that the nodes have.
    let amounts =
        ["1000Mn", "1000Mc", "2.50G", "2147486648Mn", "0n", "", "1000Mx", "n", "?", "999999999999999Mn"];
    let input: String =
        amounts.map(|reqmem| job(&[("alloctres", "cpu=8,node=2"), ("reqmem", reqmem)])).concat();
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=8000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2560 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=24000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal state=COMPLETED
        line 7: reqmem: "1000Mx": unknown suffix "Mx"
          use K, M, G, T or P, or no suffix for M
        line 8: reqmem: "" is not an amount such as 62.50G
          export it as sacct prints it
        line 9: reqmem: "?": unknown suffix "?"
          use K, M, G, T or P, or no suffix for M
        line 10: reqmem: "999999999999999M" is not an amount such as 62.50G
          export it as sacct prints it
        10 records, 6 events, 4 refused, skipped {}
    "#]],
    );
}
