# Writes one graph in each form with the libraries that people use: numpy 2.4, scipy 1.17, pandas 3.0, networkx 3.6.
import json, os, pickle
import numpy as np, scipy.sparse as sp, scipy.io, pandas as pd, networkx as nx
rng = np.random.default_rng(0)
n, d, c = 120, 8, 3
y = rng.integers(0, c, n)
A = rng.random((n, n)) < np.where(y[:, None] == y[None], .08, .01)
src, dst = np.nonzero(np.triu(A, 1))
x = (rng.random((n, d)) < .2 + .4 * (np.arange(d)[None] % c == y[:, None])).astype(np.float32)
mask = rng.permutation(n)
masks = {f"{s}_mask": np.isin(np.arange(n), part) for s, part in zip(("train", "val", "test"), np.split(mask, [30, 60]))}
D = lambda p: (os.makedirs(p, exist_ok=True), p)[1]
# tables by pandas
p = D("tables"); ids = [f"item {k}" for k in range(n)]
pd.DataFrame({"source": [ids[k] for k in src], "target": [ids[k] for k in dst]}).to_csv(f"{p}/edges.csv", index=False)
t = pd.DataFrame(x, columns=[f"w{k}" for k in range(d)]); t.insert(0, "id", ids); t["label"] = np.array(["tea", "milk", "cocoa"])[y]
t.to_csv(f"{p}/nodes.csv", index=False)
# pandas with its index, label NaN -> empty
p = D("indexed"); pd.DataFrame({"u": src, "v": dst, "weight": 0.5}).to_csv(f"{p}/edges.csv", index=False)
t2 = pd.DataFrame(x); t2["label"] = pd.Series(y).where(np.arange(n) % 10 > 0); t2.to_csv(f"{p}/nodes.csv")
# networkx
p = D("networkx"); G = nx.Graph(); G.add_edges_from(zip(src.tolist(), dst.tolist()))
nx.write_edgelist(G, f"{p}/graph.edgelist", data=True); nx.write_edgelist(G, f"{p}/graph.edgelist", data=False)
pd.DataFrame(np.column_stack([x.astype(int), y])).to_csv(f"{p}/nodes.csv", index=False, header=False)
# arrays
np.savez_compressed("pyg.npz", edge_index=np.stack([np.r_[src, dst], np.r_[dst, src]]), x=x, y=y, **masks)
np.savez("dgl.npz", src=src, dst=dst, feat=x.astype(np.float64), label=y, **masks)
p = D("side"); [np.save(f"{p}/{k}.npy", v) for k, v in dict(edge_index=np.stack([src, dst]), x=x, y=y, train_idx=mask[:30], val_idx=mask[30:60], test_idx=mask[60:]).items()]
S = sp.csr_matrix((np.ones(len(src)), (src, dst)), (n, n)); F = sp.csr_matrix(x)
np.savez("bench.npz", adj_data=S.data, adj_indices=S.indices, adj_indptr=S.indptr, adj_shape=S.shape, attr_data=F.data, attr_indices=F.indices, attr_indptr=F.indptr, attr_shape=F.shape, labels=y, node_names=np.array(ids, dtype=object))
# graphsaint
p = D("saint"); sp.save_npz(f"{p}/adj_full.npz", (S + S.T).tocsr()); np.save(f"{p}/feats.npy", x)
json.dump({str(k): int(v) for k, v in enumerate(y)}, open(f"{p}/class_map.json", "w"))
json.dump(dict(tr=mask[:30].tolist(), va=mask[30:60].tolist(), te=mask[60:].tolist()), open(f"{p}/role.json", "w"))
# matrix market
p = D("market"); scipy.io.mmwrite(f"{p}/adj.mtx", S + S.T); scipy.io.mmwrite(f"{p}/features.mtx", F); scipy.io.mmwrite(f"{p}/labels.mtx", y[:, None])
# geom-gcn
p = D("geom"); open(f"{p}/out1_graph_edges.txt", "w").write("node_id\tnode_id\n" + "".join(f"{a}\t{b}\n" for a, b in zip(src, dst)))
open(f"{p}/out1_node_feature_label.txt", "w").write("node_id\tfeature\tlabel\n" + "".join(f"{k}\t{','.join(str(int(v)) for v in x[k])}\t{y[k]}\n" for k in range(n)))
for k in range(2): np.savez(f"{p}/mine_split_0.6_0.2_{k}.npz", **{m: v.astype(np.uint8) for m, v in masks.items()})
# GraphData's form: scipy's matrices in object arrays; texts as labels; dicts; half precision
names = np.array(["tea", "milk", "cocoa"])[y]
np.savez_compressed("objects.npz", adj_matrix=S, node_attr=F, node_label=y, metadata=np.array({"source": "made"}, dtype=object))
np.savez_compressed("texts.npz", edges=np.column_stack([src, dst]), node_features=x.astype(np.float16), node_labels=names,
                    **{f"{m}s": np.stack([v, np.roll(v, 7)]) for m, v in masks.items()})
np.savez("names.npz", src=src, dst=dst, feat=x, label=names.astype(object))
np.savez("dict.npz", dict(adj_matrix=S.tocoo(), attr_matrix=F.tocsc(), labels=y))
p = D("pickled"); pickle.dump(S, open(f"{p}/adj.pkl", "wb")); np.save(f"{p}/feature.npy", x); np.save(f"{p}/label.npy", y)
p = D("scipys"); sp.save_npz(f"{p}/adj.npz", S.tocoo()); sp.save_npz(f"{p}/features.npz", F.tocsc()); np.save(f"{p}/labels.npy", names)
# MATLAB's arrays, as BlogCatalog's and LINKX's files have them; networkx' JSON; zipped tables
scipy.io.savemat("matlab.mat", dict(Network=S.tocsc(), Attributes=F.tocsc(), Label=y[:, None].astype(float), names=names))
scipy.io.savemat("linkx.mat", dict(edge_index=np.stack([src, dst]), node_feat=x, label=y[None]), do_compression=True)
H = nx.Graph(); H.add_nodes_from((k, dict(x=x[k].tolist(), label=int(y[k]))) for k in range(n)); H.add_edges_from(G.edges)
json.dump(nx.node_link_data(H), open("graph.json", "w"))
p = D("zipped"); pd.DataFrame({"src": src, "dst": dst}).to_csv(f"{p}/edges.csv.gz", index=False)
t3 = pd.DataFrame(x, columns=[f"w{k}" for k in range(d)]); t3["label"] = y; t3.to_csv(f"{p}/nodes.csv.gz", index=False)
print(n, len(src))
