"""The methods that are compared, and what is fitted for a release by those whose models can be served.

method.py       what a method is, and what one is that can be served
xgb.py          XGBoost
lgb.py          LightGBM
histogram.py    scikit-learn's histogram gradient boosting
forest.py       a random forest, which is compared only
catalogue.py    lists them, in the order in which equally good ones are taken
"""
