// Counts and digests of NELL's published files, computed by a Python reader that shares no code with ours.
import type { PublicSummary, Summary } from "./oracles.ts";

/** The graph whose labels are joined over the variants, without `ally`. */
const NELL: Summary = {
  nodes: 65755,
  features: 5414,
  feature_nnz: 370800,
  classes: 186,
  arcs: 251550,
  undirected: 125775,
  sha256: {
    arcs_row_sorted_i32: "e075a3837de4bcdefec911724b4fa9d7225139865682665866dccef07a32c843",
    arcs_col_i32: "f43590acc1894ea211a964336cd54b0f0f0dd649c618350c6a36e08b6e64da18",
    labels_i32: "2b6aff1b4827c1ec2875badc40df119e75f596d6fa864f7e4439c6ba97710b9a",
    feat_indptr_i32: "9cf3888bfa3386deffb82337a54f02e2a81acf4975d8e80ac11aaf42077d8eda",
    feat_indices_i32: "1c15bef0776cf85b6430a3e0503da57eecd3fda9b22dff216b32c3a546a629c9",
    feat_data_f32: "5769b79852fb35ab2fb5e688b6230a418c5e25eb604747fce0450bc50889ad5f",
  },
  feature_sum: 518701.0,
  unlabelled: 62178,
};

/** The graph that has, beside the entities' features, one column for each relation node. */
const IDENTITY: Summary = {
  ...NELL,
  features: 61278,
  feature_nnz: 426664,
  feature_sum: 574565.0,
  sha256: {
    ...NELL.sha256,
    feat_indptr_i32: "955da76c1e9f7955d0224cdb1b782e7a0144698286388c184226bde5e59993b9",
    feat_indices_i32: "4360bce51d17fd7a42a046554fd6a2866f3710d90bf4d72c4f71470a4c301704",
    feat_data_f32: "6c92a33e31c3980b72b6879b2bc4b656b13043443ebfe3fbb269fc1d388ecec3",
  },
};

export const NELL_SUMMARIES: Readonly<Record<string, Summary>> = {
  nell: NELL,
  "nell-0.01": {
    ...NELL,
    sha256: {
      arcs_row_sorted_i32: "6c641dd336b626f565ae7bae6e443e1cf083d4e976bdbc10be7d8d9f7fbb7cf4",
      arcs_col_i32: "f32583a10cca82c555289135ce00f43c5c1760e884137418081fea155bde7190",
      labels_i32: "ce579077a3a6828d2aa400f9ca1c1636b47376f91c75ec792f523636ae44cebd",
      feat_indptr_i32: "2149cdcfb2acaef60727843f0544f3305ef817a7bac9ef104249ec4361bb31ae",
      feat_indices_i32: "ff16e4d9acdd1376c251a072f78e76d2e2ed7f94ee219611484872b2d50b0fbc",
      feat_data_f32: "6d1eaf306ab223d616b47585e13b06b7d5651c20e98a32c64917648edb63bbfc",
    },
  },
  "nell-0.1": {
    ...NELL,
    sha256: {
      arcs_row_sorted_i32: "a8f93d270275c23b8218d47bb858ea1e0d3abea6e3c6c90577e67cfe57e82b4b",
      arcs_col_i32: "deab7e0acd85c682d2202699d257af0f328f110f29c3e62a81bfb6e341ac5d2e",
      labels_i32: "59fe73824237f1976741957140b525d6102ead87382449fa999057ec444fa295",
      feat_indptr_i32: "2df2afbf3ec44af21a2c8be65eb808d32de72cecf9774359fa9d8126b5c923bb",
      feat_indices_i32: "27031678ef563ecd418f17540003048edbb7191c44bc575802970cb000725452",
      feat_data_f32: "8eb376dddb001f92e6f14b26f689ae55bb694ba978f8d2811a27c11b4aa57a68",
    },
  },
  "nell-identity": IDENTITY,
  "nell-class0": { ...NELL, unlabelled: 6314 },
};

const PUBLIC: PublicSummary = {
  train: [0, 105],
  val: [105, 605],
  test_sorted_sha256_i32: "223559d3a81e3c0a7c1c46d21a95b973a4906a7c945fe6b4d484370c0d33716c",
};

export const NELL_PUBLIC_SUMMARIES: Readonly<Record<string, PublicSummary>> = {
  nell: PUBLIC,
  "nell-0.01": {
    train: [0, 161],
    val: [161, 661],
    test_sorted_sha256_i32: "e067cf199ef2992e4aec8ea3432f690d2763bc42c60046e1a5241390e9551fae",
  },
  "nell-0.1": {
    train: [0, 1054],
    val: [1054, 1554],
    test_sorted_sha256_i32: "37a9fbd043a0a05fac3b8fb2b18294073bf6b5ea075b833ae43b937198f31982",
  },
  "nell-identity": PUBLIC,
  "nell-class0": PUBLIC,
};
